"""What the page on reliability names as a proof is there."""

import re
from pathlib import Path

from proxy.filters import admission
from proxy.upstream import native
from tests.soak import overload, soak, trend, weather
from tests.soak.pace import LOUD

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reliability.md").read_text("utf-8")
FILES = re.compile(r"tests/[\w/]+\.py")


def claims():
    """The rows of the tables of claims."""
    [part] = re.findall(r"(?ms)^## Claims and their proofs\n(.*?)^## ", TEXT)
    rows = [row for row in part.splitlines() if row.startswith("| ") and not row.startswith("| claim ")]
    return [row.strip("| ").split(" | ") for row in rows]


def targets():
    return set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8")))


def test_every_test_file_that_the_page_names_exists_and_has_tests():
    named = set(FILES.findall(TEXT))
    assert len(named) > 30
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert {name for name in named if not re.search(r"def test_|TestCase", (ROOT / name).read_text("utf-8"))} == set()


def test_every_target_that_the_page_names_exists():
    named = set(re.findall(r"make ([a-z][a-z-]*)", TEXT)) - {"target"}
    assert {"soak", "overload", "drill", "bench", "test"} <= named <= targets()


def test_every_claim_has_a_proof():
    assert len(claims()) > 20
    without = [claim for claim, proof in claims() if not FILES.search(proof) and not re.search(r"`make \w+`", proof)]
    assert without == []


def test_every_test_of_security_and_of_faults_proves_a_claim():
    """A test that nobody finds in the page is a claim that nobody reads."""
    [part] = re.findall(r"(?ms)^## Claims and their proofs\n(.*?)^## ", TEXT)
    there = {
        str(path.relative_to(ROOT))
        for folder in ("security", "faults")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
    }
    assert there <= set(FILES.findall(part))


def test_the_numbers_of_the_long_runs_are_those_of_the_code():
    plain = " ".join(TEXT.split())
    for said in (
        f"fail in {len(weather.FAULTS)} ways",
        f"cut into {trend.BLOCKS} blocks",
        f"more than {LOUD:.0%} of the time",
        f"< {soak.SLOPE_MIB_H:g} MiB/h",
        f"< {soak.KEPT_BLOCKS:,} blocks",
        f"nobody has needed for {native.IDLE_S:g} s",
        f"< {soak.DRIFT:.0%} over the run",
        f"take {overload.LATENCY_S:g} s and `in_flight` is {overload.PLACES}",
        f"Where more than {admission.CROWD} are being served",
        f"for {admission.TURN_S * 1000:g} ms at most",
    ):
        assert said in plain, said
