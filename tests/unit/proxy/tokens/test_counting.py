"""Counts are estimates, or exact where the configuration says so and the vocabulary is at hand."""

import threading

import pytest

from proxy.config.spending import TokenSettings
from proxy.tokens import counting, vocabulary
from proxy.tokens.counting import NEWEST, PIECE, SHORT, Counter
from proxy.tokens.estimated import FRAME, estimate
from translators.ir import Message, Request, Text

EXACT = TokenSettings("tiktoken")


class Words:
    """A vocabulary whose tokens are words."""

    def __init__(self) -> None:
        self.threads = set()

    def encode_ordinary(self, text):
        self.threads.add(threading.current_thread())
        return text.split()


@pytest.fixture
def world(monkeypatch):
    """Which vocabularies are at hand, by name; models are called as theirs."""
    at_hand = {NEWEST: Words()}
    monkeypatch.setattr(vocabulary, "load", at_hand.get)
    monkeypatch.setattr(vocabulary, "name_for", lambda model: None if model.startswith("claude") else model)
    return at_hand


def asked(text):
    return Request(model="m", items=(Message("user", (Text(text),)),))


async def test_by_default_counts_are_estimates_and_nothing_is_loaded(world):
    counter = Counter(lambda _: None)
    counter.follow(TokenSettings())
    assert await counter.count(asked("one two three"), NEWEST) == estimate(asked("one two three"))
    assert counter._loaded == {}


async def test_exact_counts_begin_once_the_vocabulary_is_there(world):
    counter = Counter(lambda _: None)
    counter.follow(EXACT)
    text = asked("one two three four five six")
    assert await counter.count(text, NEWEST) == estimate(text)
    await counter.ready()
    assert await counter.count(text, NEWEST) == 6 + 2 * FRAME
    await counter.close()


async def test_models_whose_vocabulary_is_not_public_are_estimated(world):
    counter = Counter(lambda _: None)
    counter.follow(EXACT)
    await counter.ready()
    assert await counter.count(asked("one two three"), "claude-sonnet-5") == estimate(asked("one two three"))


async def test_an_older_vocabulary_is_loaded_when_a_model_wants_it(world):
    world["older"] = Words()
    counter = Counter(lambda _: None)
    counter.follow(EXACT)
    await counter.ready()
    assert await counter.count(asked("one two"), "older") == estimate(asked("one two"))
    await counter.ready()
    assert await counter.count(asked("one two"), "older") == 2 + 2 * FRAME


async def test_a_vocabulary_that_is_not_at_hand_is_told_once_and_never_fetched(world):
    world.clear()
    lacking = []
    counter = Counter(lacking.append)
    for _ in range(3):
        counter.follow(EXACT)
        await counter.ready()
        assert await counter.count(asked("one two"), NEWEST) == estimate(asked("one two"))
    assert lacking == [NEWEST]


async def test_long_texts_are_counted_in_another_thread(world):
    counter = Counter(lambda _: None)
    counter.follow(EXACT)
    await counter.ready()
    await counter.count(asked("w " * (SHORT // 2)), NEWEST)
    assert world[NEWEST].threads == {threading.current_thread()}
    assert await counter.count(asked("w " * SHORT), NEWEST) == SHORT + 2 * FRAME
    assert len(world[NEWEST].threads) == 2


async def test_a_text_is_counted_in_pieces(world, monkeypatch):
    sizes = []
    monkeypatch.setattr(Words, "encode_ordinary", lambda _, text: sizes.append(len(text)) or [])
    counting._counted(Words(), ["a" * (PIECE + 5), "b"])
    assert sizes == [PIECE, 5, 1]


async def test_what_is_being_loaded_is_called_off_at_the_end(world):
    counter = Counter(lambda _: None)
    counter.follow(EXACT)
    await counter.close()
    assert counter._loading == set()
