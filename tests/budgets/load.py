"""Clients: the real SDK, all at once; and many small ones that stream or do not, and sometimes leave."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random  # noqa: TID251 - seeded
from typing import Self

import openai
import orjson

from proxy.drill.load import Broken, Channel, encode
from tests.budgets.world import MODEL

MESSAGES = [{"role": "user", "content": "Tell me something that costs."}]
TIMEOUT_S = 30.0


async def all_at_once(url: str, requests: int, most: int) -> Counter[str]:
    """What became of so many requests by one AsyncOpenAI: `ok`, or the error's code."""
    async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0, timeout=60) as client:

        async def one() -> str:
            try:
                answer = await client.chat.completions.create(
                    model=MODEL, messages=MESSAGES, max_completion_tokens=most
                )
            except openai.APIStatusError as error:
                return f"{error.status_code} {error.code}"
            assert answer.usage is not None and answer.usage.completion_tokens == most
            return "ok"

        return Counter(await asyncio.gather(*(one() for _ in range(requests))))


class Crowd:
    """Clients that go on until they are told to stop: each asks one of the proxies, `most` tokens or fewer, as a whole
    or as a stream, and leaves some of the answers in the middle."""

    def __init__(self, urls: Sequence[str], clients: int, most: int, seed: int = 1, leaving: float = 0.1) -> None:
        self.urls = urls
        """May be changed at any time."""
        self.most = most
        self.seen: Counter[str] = Counter()
        self._chance = Random(seed)
        self._clients = clients
        self._leaving = leaving
        self._going: list[asyncio.Task[None]] = []
        self._ending = False

    async def __aenter__(self) -> Self:
        self._going = [asyncio.create_task(self._go()) for _ in range(self._clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Once everybody has the answer that was under way."""
        self._ending = True
        await asyncio.gather(*self._going)

    async def until(self, answers: int, seen: str, *, or_one: str = "") -> None:
        """Until so many more have seen that, or one has seen the other."""
        before = self.seen.copy()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while self.seen[seen] < before[seen] + answers and self.seen[or_one] == before[or_one]:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.005)  # noqa: TID251 - real processes, real time
        except TimeoutError:
            raise AssertionError(
                f"no {answers} more with {seen} in {TIMEOUT_S:g} s, but {self.seen - before}"
            ) from None

    async def _go(self) -> None:
        while not self._ending:
            seen = await self._ask(self._chance.choice(self.urls))
            self.seen[seen] += 1
            if seen != "200":
                await asyncio.sleep(0.05 if seen == "refused" else 0.005)  # noqa: TID251 - as above

    async def _ask(self, url: str) -> str:
        patience = self._chance.uniform(0.0, 0.03) if self._chance.random() < self._leaving else TIMEOUT_S
        most = self._chance.randint(1, self.most)
        try:
            async with asyncio.timeout(patience):
                return await ask(url, most, stream=self._chance.random() < 0.5)
        except TimeoutError:
            return "left" if patience < TIMEOUT_S else "silence"


async def ask(url: str, most: int, *, stream: bool = False) -> str:
    """The status of one answer, with the error's code; `broken` without a regular end."""
    body = {"model": MODEL, "messages": MESSAGES, "max_completion_tokens": most, "stream": stream}
    try:
        channel = await Channel.open(url)
    except OSError:
        return "refused"
    try:
        answered = await channel.send(encode(url, "/chat/completions", body))
    except Broken:
        return "broken"
    finally:
        channel.close()
    if answered.status == 200:
        return "200"
    return f"{answered.status} {orjson.loads(answered.body)['error']['code']}"
