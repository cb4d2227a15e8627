"""Every kept input still holds to its target's invariant, and so does a neighbourhood of it.

The fuzzer itself (`make fuzz`) takes minutes; here its corpus is run, which takes seconds.
"""

import random  # noqa: TID251 - by a fixed seed

import pytest

from tests.fuzz.catalog import CORPUS, TARGETS
from tests.fuzz.drive import MOST
from tests.fuzz.mutate import Vocabulary, mutated

INPUTS = [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())]
NEIGHBOURS = 3


@pytest.mark.parametrize(("name", "path"), INPUTS, ids=[f"{name}/{path.name}" for name, path in INPUTS])
def test_a_kept_input_breaks_no_invariant(name, path):
    TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_neither_do_inputs_close_to_the_kept_ones(name):
    """Other ones whenever the corpus changes, the same ones until then."""
    kept = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    words, chance = Vocabulary(iter(kept)), random.Random(name)
    for data in kept:
        for _ in range(NEIGHBOURS):
            changed = mutated(
                data, MOST, chance.randrange(1 << 32), words, lambda one, most: _bytes(one[:most], chance)
            )
            TARGETS[name](changed)


def _bytes(data: bytes, chance: random.Random) -> bytes:
    """With a byte changed, put in or left out."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) * chance.randrange(3) + data[at + chance.randrange(2) :]


def test_every_folder_of_the_corpus_has_its_target_and_is_small():
    """So that a clone stays small and a run of the tests fast."""
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
    sizes = {path: path.stat().st_size for _, path in INPUTS}
    assert max(sizes.values()) <= MOST
    assert sum(sizes.values()) < 300_000


def test_an_input_that_breaks_an_invariant_is_told():
    """The checks can fail: one that is given what it promises never to meet, does."""
    from tests.fuzz.targets.streams import _by_lines, _split

    assert _split([b"data: a\n\n"], 64)[0] != _by_lines(b"data: b\n\n", 64)[0]
