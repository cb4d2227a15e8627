"""Keys kept fresh: when they are fetched, what serves meanwhile, and what the operator is told."""

import asyncio
import os

import pytest

from proxy.config.hidden import Secret
from proxy.config.values import EntraToken, GoogleToken, KeyFile, Provider, ProviderKey
from proxy.upstream import credentials
from proxy.upstream.credentials import LOOK_S, PAUSE_S, USED, Credentials
from proxy.upstream.grants import Grant, NoToken
from translators.ir import Dialect

ENTRA = EntraToken("scope", "t", "a", Secret("canary"), "")


class Clock:
    """Moves only when a test says so."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future]] = []
        self._slept = asyncio.Event()

    def now(self):
        return self.time

    def wall(self):
        return self.time

    def uniform(self):
        return 0.0

    async def sleep(self, seconds):
        done = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + seconds, done))
        self._slept.set()
        await done

    async def settled(self, sleepers=1):
        """Once so many tasks sleep."""
        async with asyncio.timeout(5):
            while len(self._sleepers) < sleepers:
                self._slept.clear()
                await self._slept.wait()

    def until(self):
        """Seconds to the next waking."""
        return min(when for when, _ in self._sleepers) - self.time

    async def move(self, seconds):
        self.time += seconds
        awake = [one for one in self._sleepers if one[0] <= self.time]
        self._sleepers = [one for one in self._sleepers if one[0] > self.time]
        for _, done in awake:
            done.set_result(None)
        await self.settled()


class World:
    def __init__(self, monkeypatch, *keys):
        self.clock = Clock()
        self.answers = []
        self.fetched = 0
        self.keys = []
        self.alerts = []
        self.provider = Provider("azure", Dialect.OPENAI_CHAT, "https://azure.test", keys=tuple(keys))
        monkeypatch.setattr(credentials, "grant", self._grant)
        self.credentials = Credentials(
            [self.provider], self._renewed, lambda _: None, self.clock, lambda event, **facts: self._alert(event, facts)
        )

    async def _grant(self, renewal, provider, engine_of, wall):
        self.fetched += 1
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise NoToken(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _renewed(self, provider, keys):
        assert provider is self.provider
        self.keys.append(tuple(key.secret and key.secret.reveal() for key in keys))

    def _alert(self, event, facts):
        assert "canary" not in str(facts)
        self.alerts.append((event, facts["source"], facts["reason"]))


@pytest.fixture
async def world(monkeypatch):
    made = []

    def make(*keys):
        made.append(World(monkeypatch, *keys))
        return made[-1]

    yield make
    for one in made:
        await one.credentials.close()


def token(source="entra:", renewal=ENTRA):
    return ProviderKey(source, None, renewal)


async def test_the_first_token_is_there_when_the_start_is_over(world):
    it = world(ProviderKey("env:X", Secret("fixed")), token())
    it.answers = [Grant(Secret("tok-1"), 3600.0)]
    await it.credentials.open()
    assert it.keys == [("fixed", "tok-1")]


async def test_a_token_is_fetched_anew_before_it_ends_and_not_before(world):
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 3600.0), Grant(Secret("tok-2"), 3600.0)]
    await it.credentials.open()
    await it.clock.settled()
    assert it.clock.until() == pytest.approx(3600 * USED)
    await it.clock.move(3600 * USED - 1)
    assert it.fetched == 1
    await it.clock.move(1)
    assert it.keys == [("tok-1",), ("tok-2",)]


async def test_while_renewing_fails_the_old_token_serves_and_the_operator_is_told_once(world):
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 100.0), *["status 500"] * 3, Grant(Secret("tok-2"), 100.0)]
    await it.credentials.open()
    await it.clock.settled()
    await it.clock.move(it.clock.until())
    pauses = []
    for _ in range(3):
        pauses.append(it.clock.until())
        await it.clock.move(pauses[-1])
    assert pauses == [1.0, 1.0, 2.0]
    assert it.keys == [("tok-1",), ("tok-2",)]
    assert it.alerts == [("key_not_renewed", "entra:", "status 500")]


async def test_a_failure_that_nobody_foresaw_ends_no_renewing(world):
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 100.0), ZeroDivisionError("canary"), Grant(Secret("tok-2"), 100.0)]
    await it.credentials.open()
    await it.clock.settled()
    for _ in range(2):
        await it.clock.move(it.clock.until())
    assert it.keys == [("tok-1",), ("tok-2",)]
    assert it.alerts == [("key_not_renewed", "entra:", "internal error: ZeroDivisionError; please report it")]


async def test_a_token_that_ended_serves_no_more_and_a_new_one_does(world):
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 4.0), *["status 500"] * 4, Grant(Secret("tok-2"), 4.0)]
    await it.credentials.open()
    await it.clock.settled()
    while it.answers:
        await it.clock.move(it.clock.until())
    assert it.keys == [("tok-1",), (None,), ("tok-2",)]
    assert [event for event, _, _ in it.alerts] == ["key_not_renewed", "key_expired"]


async def test_a_start_does_not_fail_for_want_of_a_token(world):
    it = world(token())
    it.answers = ["no way", Grant(Secret("tok-1"), 60.0)]
    await it.credentials.open()
    assert it.keys == []
    await it.clock.settled()
    assert it.clock.until() == PAUSE_S
    await it.clock.move(PAUSE_S)
    assert it.keys == [("tok-1",)]


async def test_a_start_waits_for_a_late_token_only_so_long(world, monkeypatch):
    it = world(token("google:", GoogleToken()))
    monkeypatch.setattr(credentials, "FIRST_S", 0.01)
    never = asyncio.Event()

    async def grant(*_):
        await never.wait()

    monkeypatch.setattr(credentials, "grant", grant)
    await it.credentials.open()
    assert it.keys == []


async def test_pauses_between_failures_grow_to_a_bound(world):
    it = world(token())
    it.answers = ["down"] * 12
    await it.credentials.open()
    pauses = []
    for _ in range(11):
        await it.clock.settled()
        pauses.append(it.clock.until())
        await it.clock.move(pauses[-1])
    assert pauses == [1, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]


# -- files


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "key"
    path.write_text("sk-1")
    return path


async def looked(it, count=1):
    for _ in range(count):
        await it.clock.settled()
        await it.clock.move(LOOK_S)


async def test_a_file_that_changes_gives_the_new_key_within_a_second(world, file):
    it = world(ProviderKey(f"file:{file}", Secret("sk-1"), KeyFile(str(file))))
    await it.credentials.open()
    await looked(it, 2)
    assert it.keys == []
    file.write_text("sk-22\n")
    await looked(it)
    assert it.keys == [("sk-22",)]


async def test_a_link_that_is_switched_is_a_change(world, file, tmp_path):
    """As Kubernetes updates a mounted Secret: same size, and maybe the same time."""
    link = tmp_path / "link"
    link.symlink_to(file)
    it = world(ProviderKey(f"file:{link}", Secret("sk-1"), KeyFile(str(link))))
    await it.credentials.open()
    await looked(it)
    other = tmp_path / "other"
    other.write_text("sk-2")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    (tmp_path / "next").symlink_to(other)
    (tmp_path / "next").rename(link)
    await looked(it)
    assert it.keys == [("sk-2",)]


async def test_a_file_that_is_gone_or_empty_leaves_the_old_key_and_is_told_once(world, file):
    it = world(ProviderKey(f"file:{file}", Secret("sk-1"), KeyFile(str(file))))
    await it.credentials.open()
    await looked(it)
    file.write_text("")
    await looked(it, 3)
    file.unlink()
    await looked(it, 3)
    assert it.keys == []
    assert [reason.partition(f"{file} ")[2] for _, _, reason in it.alerts] == [
        "is empty",
        "cannot be read: no such file or directory",
    ]
    file.write_text("sk-3")
    await looked(it)
    assert it.keys == [("sk-3",)]


async def test_a_look_that_fails_in_an_unforeseen_way_is_told_once_and_the_next_is_made(world, file, monkeypatch):
    """Such as for want of a thread to look with."""
    it = world(ProviderKey(f"file:{file}", Secret("sk-1"), KeyFile(str(file))))

    async def none_left(*_):
        raise RuntimeError("can't start new thread")

    await it.credentials.open()
    await it.clock.settled()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "to_thread", none_left)
        await looked(it, 3)
    assert it.alerts == [("key_not_renewed", f"file:{file}", "internal error: RuntimeError; please report it")]
    file.write_text("sk-22")
    await looked(it, 2)
    assert it.keys == [("sk-22",)]


async def test_closing_ends_every_task(world, file):
    it = world(token(), ProviderKey(f"file:{file}", Secret("sk-1"), KeyFile(str(file))))
    it.answers = [Grant(Secret("tok-1"), 3600.0)]
    before = asyncio.all_tasks()
    await it.credentials.open()
    tasks = asyncio.all_tasks() - before
    await it.credentials.close()
    assert len(tasks) == 2
    assert all(task.done() for task in tasks)


# -- another configuration


def provider_with(*keys, **fields):
    return Provider("azure", Dialect.OPENAI_CHAT, **({"base_url": "https://azure.test", "keys": tuple(keys)} | fields))


async def test_a_token_that_is_the_same_goes_on_with_its_renewal(world):
    """Whatever else of its provider changed."""
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 3600.0), Grant(Secret("tok-2"), 3600.0)]
    await it.credentials.open()
    rings = await it.credentials.prepare([provider_with(token(), headers={"x": "y"})])
    it.credentials.adopt(rings)
    assert (it.fetched, it.keys) == (1, [("tok-1",), ("tok-1",)])
    await it.clock.settled()
    await it.clock.move(3600 * USED)
    assert it.keys[2:] == [("tok-2",)]


async def test_a_token_that_is_new_is_fetched_before_it_is_told(world):
    it = world(ProviderKey("env:X", Secret("fixed")))
    await it.credentials.open()
    it.provider = provider_with(token())
    it.answers = [Grant(Secret("tok-1"), 3600.0)]
    rings = await it.credentials.prepare([it.provider])
    assert (it.fetched, it.keys) == (1, [])
    it.credentials.adopt(rings)
    assert it.keys == [("tok-1",)]


@pytest.mark.parametrize("fields", [{"base_url": "https://moved.test"}, {"keys": ()}, {"token_url": "https://t.test"}])
async def test_what_is_gone_is_renewed_no_more(world, fields):
    """Its next token would be told for whoever has the place now."""
    it = world(token())
    it.answers = [Grant(Secret("tok-1"), 3600.0), *[Grant(Secret("tok-other"), 86_400.0)] * 2]
    before = asyncio.all_tasks()
    await it.credentials.open()
    [renewing] = asyncio.all_tasks() - before
    it.provider = provider_with(token(), **fields)
    it.credentials.adopt(await it.credentials.prepare([it.provider]))
    await asyncio.wait([renewing])
    assert renewing.cancelled()


async def test_a_preparation_that_is_called_off_leaves_nothing_behind(world, monkeypatch):
    it = world()
    await it.credentials.open()
    asked = asyncio.Event()

    async def grant(*_):
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(credentials, "grant", grant)
    before = asyncio.all_tasks()
    preparing = asyncio.create_task(it.credentials.prepare([provider_with(token())]))
    await asyncio.wait_for(asked.wait(), 5)
    preparing.cancel()
    left = asyncio.all_tasks() - before
    await asyncio.wait(left, timeout=5)
    assert len(left) == 2
    assert all(task.done() for task in left)


async def test_a_file_that_a_new_configuration_names_is_watched(world, file):
    it = world()
    await it.credentials.open()
    key = ProviderKey(f"file:{file}", Secret("sk-1"), KeyFile(str(file)))
    it.provider = provider_with(key)
    it.credentials.adopt(await it.credentials.prepare([it.provider]))
    await it.clock.settled()
    file.write_text("sk-2-longer")
    await looked(it)
    assert it.keys == [("sk-1",), ("sk-2-longer",)]
