"""An experiment end to end: a real `sidestep serve` shares requests of many users out between four strategies.

Each strategy has a model of its own at a scripted provider, on real sockets. What is counted is who answered, as each
answer says, and what the proxy's own records say of the arms.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from proxy.drill.load import Answered, Channel, encode
from proxy.drill.provider import ScriptedProvider
from proxy.usage.fares import fares
from proxy.usage.sqlite import SqliteSource
from proxy.usage.summary import database_of
from tests.e2e.process import provider, serving
from translators.ir import Dialect

SHARES: Mapping[str, float] = {"cost_optimized": 25, "balanced": 50, "quality_optimized": 20, "experimental": 5}
CONNECTIONS = 32
LONGEST_S = 600.0
"""Only a failing run takes that long."""
AGAIN = 10
"""One user in so many asks a second time, at the end."""


@dataclass(frozen=True)
class Seen:
    served: Counter[str]
    """Requests by the arm that answered them."""
    recorded: Mapping[str, int]
    """The same by the records."""
    moved: int
    """Users who were in one arm and then in another."""
    errors: int

    @property
    def off(self) -> float:
        """By how many percent of the requests the arm that is farthest from its share misses it."""
        whole = sum(self.served.values())
        return max(abs(100 * self.served[arm] / whole - share) for arm, share in SHARES.items())


def configuration(alpha: ScriptedProvider, folder: Path) -> str:
    strategies = "\n".join(f'[strategies.{name}]\ndefault = "alpha/{name}"' for name in SHARES)
    shares = ", ".join(f"{name} = {share:g}" for name, share in SHARES.items())
    return f"""
[selection]
strategy = "balanced"
{strategies}
[experiments.rollout]
strategies = {{{shares}}}
[models.plain]
chain = ["alpha/balanced"]
{provider(alpha)}
[ledger]
url = "sqlite:///{folder}/ledger.db"
"""


async def played(folder: Path, requests: int) -> Seen:
    """So many requests, each user's first, and then some users' second."""
    path = folder / "config.toml"
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha:
        path.write_text(configuration(alpha, folder))
        async with serving(path, patience_s=LONGEST_S) as process:
            first = await _asked(process.url, range(requests))
            second = await _asked(process.url, range(0, requests, AGAIN))
            process.child.terminate()
            await process.child.wait()
    arms = {user: arm for user, (_, arm) in first.items()}
    statuses = [status for status, _ in (*first.values(), *second.values())]
    return Seen(
        Counter(arms.values()),
        await asyncio.to_thread(_recorded, folder / "ledger.db"),
        sum(arms[user] != arm for user, (_, arm) in second.items()),
        sum(status != 200 for status in statuses),
    )


async def _asked(url: str, users: range) -> dict[int, tuple[int, str]]:
    """Status and arm, by user."""
    waiting, found = iter(users), {}

    async def asking() -> None:
        channel = await Channel.open(url)
        for user in waiting:
            body = {"model": "auto", "user": f"user-{user}", "messages": [{"role": "user", "content": "hello"}]}
            found[user] = _told(await channel.send(encode(url, "/chat/completions", body)))
        channel.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(asking())
    return found


def _told(answer: Answered) -> tuple[int, str]:
    """The model that answered is its arm's; the body and the header agree on it."""
    model = answer.headers.get("x-sidestep-model", "")
    said = dict(part.split("=") for part in answer.headers.get("x-sidestep-selection", "").split("; ")[1:])
    if answer.status == 200:
        assert (said["experiment"], said["arm"]) == ("rollout", model)
        assert orjson.loads(answer.body)["choices"]
    return answer.status, model


def _recorded(file: Path) -> dict[str, int]:
    with database_of(SqliteSource(str(file)), None, None) as database:
        told = fares(database, ("arm",), (0.0, float("inf")), now=0.0, experiment="rollout")
    return {fare.names[0]: fare.ok for fare in told}
