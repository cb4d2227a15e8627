import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proxy.opaque import MemoryStore, Past
from translators.ir import (
    Choice,
    Finish,
    Message,
    Opaque,
    Reasoning,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
)
from translators.profile import Origin, Profile
from translators.remember import Called, Kept, Turn
from translators.report import Report

SECRET = b"s" * 32
HOME = str(Origin("anthropic-messages", "aria", "m"))


class Clock:
    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock.now, SECRET)


def kept(name="c", data="sig"):
    return Kept((name, name.encode()), Turn(HOME, (Reasoning("Hm.", Opaque("signature", data, HOME)), Called())))


def fetched(store, client, *names):
    """The names of those that are found, the store being asked for all at once."""
    coroutine = store.fetch(client, [(name, name.encode()) for name in names])
    found = asyncio.run(coroutine)
    return [name for name, _ in found]


def test_what_was_put_is_found_by_its_client_and_key(store):
    store.put("ann", kept("a"))
    assert fetched(store, "ann", "a", "b") == ["a"]


def test_a_client_finds_nothing_of_another(store):
    store.put("ann", kept("a"))
    assert fetched(store, "bob", "a") == []
    assert (store.holds("ann"), store.holds("bob")) == (True, False)


def test_the_right_id_with_another_hash_finds_nothing(store):
    store.put("ann", kept("a"))
    assert asyncio.run(store.fetch("ann", [("a", b"b")])) == {}


def test_an_entry_lives_an_hour_from_its_last_use(store, clock):
    store.put("ann", kept("a"))
    store.put("ann", kept("b"))
    clock.time = 3599
    assert fetched(store, "ann", "a") == ["a"]
    clock.time = 3600
    assert fetched(store, "ann", "a", "b") == ["a"]
    clock.time = 3600 + 3600
    assert fetched(store, "ann", "a") == []
    assert (len(store), store.size, store.holds("ann")) == (0, 0, False)


def test_the_least_recently_used_makes_room(clock):
    one = MemoryStore(clock.now, SECRET)
    one.put("ann", kept("a"))
    store = MemoryStore(clock.now, SECRET, bytes_cap=2 * one.size)
    store.put("ann", kept("a"))
    store.put("ann", kept("b"))
    fetched(store, "ann", "a")
    store.put("bob", kept("c"))
    assert fetched(store, "ann", "a", "b") == ["a"]
    assert fetched(store, "bob", "c") == ["c"]


def test_what_is_larger_than_everything_is_not_kept(clock):
    store = MemoryStore(clock.now, SECRET, bytes_cap=2000)
    store.put("ann", kept("a"))
    store.put("ann", kept("a", "x" * 2000))
    assert (len(store), store.size, store.holds("ann")) == (0, 0, False)


def test_a_turn_said_again_replaces_the_former(store):
    store.put("ann", kept("a", "x" * 1000))
    before = store.size
    store.put("ann", kept("a", "y"))
    assert (len(store), store.size) == (1, before - 999)


def test_memory_is_counted_by_what_is_held():
    clock = Clock()
    store = MemoryStore(clock.now, SECRET)
    store.put("ann", kept("a", "x" * 100_000))
    assert 100_000 < store.size < 102_000


class Stores(RuleBasedStateMachine):
    """The store beside a plain list of what was put, oldest use first."""

    @initialize(cap=st.integers(0, 5000))
    def begin(self, cap):
        self.clock = Clock()
        self.cap = cap
        self.store = MemoryStore(self.clock.now, SECRET, ttl_s=10, bytes_cap=cap)
        self.uses = {}

    @rule(client=st.sampled_from("ab"), name=st.sampled_from("xyz"), size=st.integers(0, 2000))
    def put(self, client, name, size):
        self.store.put(client, kept(name, "s" * size))
        self.uses[client, name] = self.clock.time

    @rule(client=st.sampled_from("ab"), name=st.sampled_from("xyz"))
    def fetch(self, client, name):
        if fetched(self.store, client, name):
            assert self.clock.time - self.uses[client, name] < 10
            self.uses[client, name] = self.clock.time

    @rule(seconds=st.integers(0, 6))
    def wait(self, seconds):
        self.clock.time += seconds

    @invariant()
    def its_books_are_right(self):
        entries = self.store._entries
        assert self.store.size == sum(entry.size for entry in entries.values()) <= self.cap
        assert [entry.used_at for entry in entries.values()] == sorted(entry.used_at for entry in entries.values())
        for client in "ab":
            assert self.store.holds(client) == any(place[0] == client for place in entries)


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=30, stateful_step_count=25)


CALL = ToolCall("c", "f", "{}")
THOUGHT = Reasoning("Hm.", Opaque("signature", "s", HOME))
ECHO = Request(model="m", items=(Message("user", (Text("?"),)), CALL, ToolResult("c", ())))


def replied(*items):
    return Reply(id="i", model="m", choices=(Choice(items, Finish.TOOL_CALLS),))


async def test_an_answers_turn_comes_back_into_the_next_request(store):
    Past(store, "ann").keep(replied(THOUGHT, CALL), HOME, Profile())
    past = Past(store, "ann")
    assert past.is_kept
    await past.recall(ECHO.items)
    assert past
    assert past.restored(ECHO, HOME).items[1:3] == (THOUGHT, CALL)
    assert past.origin(ECHO.items) == HOME


def test_an_answer_with_nothing_bound_leaves_nothing(store):
    Past(store, "ann").keep(replied(CALL), HOME, Profile())
    assert len(store) == 0


async def test_another_clients_request_stays_as_it_is(store):
    Past(store, "ann").keep(replied(THOUGHT, CALL), HOME, Profile())
    past = Past(store, "bob")
    assert not past.is_kept
    await past.recall(ECHO.items)
    assert not past
    assert past.restored(ECHO, HOME) is ECHO
    assert past.replayed({"messages": []}, None, Profile(), Report()) == {"messages": []}


async def test_a_request_without_calls_asks_the_store_for_nothing(store, monkeypatch):
    monkeypatch.setattr(store, "fetch", None)
    await Past(store, "ann").recall(ECHO.items[:1])


def test_an_answer_of_a_model_that_cannot_think_is_not_watched(store):
    pipe = object()
    assert Past(store, "ann").watched(pipe, HOME, Profile(thinking="none")) is pipe
