"""Providers are asked what their models can do: who, when, and what becomes of it."""

import asyncio

import orjson
import pytest
from msgspec import structs

from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for, vendors
from proxy.config.values import Provider, ProviderKey
from proxy.upstream import capabilities
from proxy.upstream.capabilities import DAY_S, SOON_S, Capabilities, World
from proxy.upstream.seam import Unreachable
from translators.ir import Dialect

BASE = "https://api.anthropic.com/v1"
KEYS = (ProviderKey("env:K", Secret("canary")),)


@pytest.fixture(autouse=True)
def _rows():
    vendors()  # read outside the loop


def claude(**more):
    fields = {"base_url": BASE, "keys": KEYS, "vendor": "anthropic"} | more
    return Provider("claude", Dialect.ANTHROPIC_MESSAGES, **fields)


def listed(window):
    return orjson.dumps({"data": [{"id": "claude-sonnet-5", "max_input_tokens": window}]})


class Answer:
    def __init__(self, status, body):
        self.status = status
        self._body = body
        self.closed = False

    async def read(self, limit):
        return self._body

    async def close(self):
        self.closed = True


class Lab:
    """An engine, a clock that waits for the test, and what was said."""

    def __init__(self, *providers):
        self.answers = []
        self.given = []
        self.calls = []
        self.warned = []
        self.changes = 0
        self.secret = Secret("canary")
        self.sleeps = []
        self._slept = asyncio.Event()
        world = World(lambda _: self, lambda _: self.secret, self, lambda name, why: self.warned.append((name, why)))
        self.it = Capabilities(providers, world, self._changed)

    def _changed(self):
        self.changes += 1

    def uniform(self):
        return 0.5

    async def sleep(self, seconds):
        done = asyncio.get_running_loop().create_future()
        self.sleeps.append((seconds, done))
        self._slept.set()
        await done

    async def send(self, call):
        self.calls.append(call)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.given.append(Answer(*answer))
        return self.given[-1]

    async def next_look(self):
        """Lets the pause that is under way end, and waits for the next one."""
        async with asyncio.timeout(5):
            await self._slept.wait()
            self._slept.clear()
            self.sleeps[-1][1].set_result(None)
            await self._slept.wait()


@pytest.fixture
async def lab():
    made = []

    def make(*providers):
        made.append(Lab(*providers))
        made[-1].it.open()
        return made[-1]

    yield make
    for one in made:
        await one.it.close()


async def test_what_a_list_tells_outranks_the_rows_and_the_configuration_outranks_both(lab):
    plain, own = claude(), claude(models={"claude-sonnet-5": {"context_window": 7}})
    at = lab(plain)
    before = at.it.profile_for(plain, "claude-sonnet-5")
    assert before == profile_for(plain, "claude-sonnet-5")
    at.answers = [(200, listed(123_456))]
    await at.next_look()
    assert at.it.profile_for(plain, "claude-sonnet-5").context_window == 123_456
    assert at.it.profile_for(plain, "claude-sonnet-5").max_output == before.max_output
    assert at.it.profile_for(own, "claude-sonnet-5").context_window == 7
    assert at.it.profile_for(plain, "claude-opus-5") == profile_for(plain, "claude-opus-5")


async def test_it_is_asked_soon_and_then_daily_and_only_news_are_news(lab):
    at = lab(claude())
    at.answers = [(200, listed(9)), (200, listed(9)), (200, listed(8))]
    for _ in range(3):
        await at.next_look()
    assert [pause for pause, _ in at.sleeps] == [SOON_S * 1.5, DAY_S, DAY_S, DAY_S]
    assert at.changes == 2
    assert all(one.closed for one in at.given)


async def test_the_call_is_the_vendors_own(lab):
    at = lab(claude(headers={"anthropic-beta": "x"}))
    at.answers = [(200, listed(9))]
    await at.next_look()
    [call] = at.calls
    headers = dict(call.headers)
    assert (call.method, call.url, call.body) == ("GET", f"{BASE}/models?limit=1000", b"")
    assert (headers["x-api-key"], headers["anthropic-beta"]) == ("canary", "x")
    assert "anthropic-version" in headers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, b"canary"), "it answered 401"),
        ((200, b"<html>canary"), "its answer is no list of models"),
        ((200, b'{"data":[{"id":"\xff"}]}'), "its answer is no list of models"),
        (Unreachable("connection refused"), "it could not be asked: connection refused"),
        (TimeoutError(), "it did not answer in time"),
    ],
)
async def test_a_list_that_cannot_be_had_is_one_line_and_changes_nothing(lab, answer, told):
    provider = claude()
    at = lab(provider)
    at.answers = [(200, listed(9)), answer]
    await at.next_look()
    await at.next_look()
    assert at.warned == [("claude", told)]
    assert at.it.profile_for(provider, "claude-sonnet-5").context_window == 9


async def test_without_a_usable_key_nobody_is_asked(lab):
    at = lab(claude())
    at.secret = None
    await at.next_look()
    assert (at.calls, at.warned) == ([], [("claude", "it has no usable key now")])


def own(**more):
    """A server of one's own, somewhere in the house."""
    return Provider("own", Dialect.OPENAI_CHAT, "http://gpu-7:8000/v1", vendor="vllm", **more)


async def test_a_server_of_ones_own_is_asked_wherever_it_is_and_without_a_key(lab):
    provider = own()
    at = lab(provider)
    at.secret = None
    at.answers = [(200, orjson.dumps({"data": [{"id": "m", "max_model_len": 8_096}]}))]
    await at.next_look()
    [call] = at.calls
    assert call.url == "http://gpu-7:8000/v1/models"
    assert not {"authorization", "x-api-key"} & dict(call.headers).keys()
    assert at.it.profile_for(provider, "m").context_window == 8_096


async def test_a_server_of_ones_own_gets_the_key_that_is_there_for_it(lab):
    at = lab(own(keys=KEYS))
    at.answers = [(200, b'{"data":[]}')]
    await at.next_look()
    assert dict(at.calls[0].headers)["authorization"] == "Bearer canary"


async def test_all_are_asked_at_once_and_one_that_fails_spoils_no_other():
    first, second = claude(), own()
    at = Lab(first, second)
    at.answers = [(500, b""), (200, orjson.dumps({"data": [{"id": "m", "max_model_len": 5}]}))]
    await at.it.ask()
    assert at.warned == [("claude", "it answered 500")]
    assert at.it.profile_for(second, "m").context_window == 5


@pytest.mark.parametrize(
    "provider",
    [
        own(client_key=True),
        claude(base_url="https://gateway.example/v1"),
        claude(keys=()),
        claude(demo=True),
        claude(vendor=""),
        Provider("o", Dialect.OPENAI_CHAT, "https://api.openai.com/v1", KEYS, vendor="openai"),
    ],
)
async def test_only_vendors_that_tell_are_asked_and_only_at_their_own_address(lab, provider):
    assert lab(provider).it._task is None


async def test_an_endless_list_is_given_up(lab, monkeypatch):
    at = lab(claude())
    monkeypatch.setattr(capabilities, "TIMEOUT_S", 0.01)
    never = asyncio.Event()

    async def send(call):
        await never.wait()

    at.send = send
    await at.next_look()
    assert at.warned == [("claude", "it did not answer in time")]


async def test_another_configuration_with_the_same_providers_disturbs_nothing(lab):
    at = lab(claude())
    at.answers = [(200, listed(9))]
    await at.next_look()
    at.it.follow([claude(headers={"x": "y"})])
    assert at.it.profile_for(claude(), "claude-sonnet-5").context_window == 9
    assert [pause for pause, _ in at.sleeps] == [SOON_S * 1.5, DAY_S]


async def test_a_provider_that_is_new_is_asked_soon_and_what_one_that_is_gone_told_is_forgotten(lab):
    at = lab(claude())
    at.answers = [(200, listed(9)), (200, listed(8))]
    await at.next_look()
    other = structs.replace(claude(), name="other")
    at._slept.clear()
    at.it.follow([other])
    assert at.it.profile_for(claude(), "claude-sonnet-5") == profile_for(claude(), "claude-sonnet-5")
    await at.next_look()
    assert at.it.profile_for(other, "claude-sonnet-5").context_window == 8
    assert [pause for pause, _ in at.sleeps][-2:] == [SOON_S * 1.5, DAY_S]


async def test_nobody_is_asked_where_nobody_tells_any_more(lab):
    at = lab(claude())
    at.it.follow([])
    assert at.it._task.done() or at.it._task.cancelling()


async def test_what_fails_in_an_unforeseen_way_is_told_and_asked_again_the_next_day(lab):
    at = lab(claude())
    at.answers = [ZeroDivisionError("with a canary in it"), (200, listed(9))]
    await at.next_look()
    assert at.warned == [("claude", "internal error: ZeroDivisionError; please report it")]
    await at.next_look()
    assert at.it.profile_for(claude(), "claude-sonnet-5").context_window == 9
