"""A provider that bills, and keeps the bill: what it charges, answered or not, is known to the nano-dollar.

It works before it answers, as real ones do: whoever breaks off, or is broken off, is billed all the same. Only what is
answered with an error status costs nothing. Bills and fates come from a seeded chance, or are the dearest that the
request allows.
"""

from collections.abc import Callable
from random import Random  # noqa: TID251 - seeded

import orjson

from proxy.drill.http import Request
from proxy.drill.provider import ScriptedProvider
from proxy.drill.wire import LAST_CHUNK, Act, Action, Plan, Wait, chunk, head, whole
from translators.ir import Dialect

INPUT, OUTPUT = 1_000, 10_000
"""Nano-dollars a token: 1 and 10 dollars a million."""
PRICE = "input = 1, output = 10"
"""The same in a configuration."""
JSON = ("content-type", "application/json")
EVENTS = ("content-type", "text/event-stream")
ERRORS = (500, 503, 429, 400)
Fate = str
FATES: dict[Fate, int] = {"well": 14, "error": 2, "cut": 2, "cut before": 1, "reset": 1}
"""How often each befalls a request, of 20."""
Deal = Callable[["BillingProvider", int, int], tuple[int, int, Fate]]
"""Input and output tokens that are billed, and what becomes of the answer; by the most tokens it may have, and the size
of its body."""


def dearest(_: "BillingProvider", most: int, __: int) -> tuple[int, int, Fate]:
    """What is billed is what had to be reserved, where input is free."""
    return 0, most, "well"


def anything(provider: "BillingProvider", most: int, size: int) -> tuple[int, int, Fate]:
    chance = provider.chance
    [fate] = chance.choices(tuple(FATES), tuple(FATES.values()))
    return chance.randint(1, size // 4), chance.choice((1, most, chance.randint(1, most))), fate


def always_well(provider: "BillingProvider", most: int, size: int) -> tuple[int, int, Fate]:
    return provider.chance.randint(1, size // 4), provider.chance.randint(1, most), "well"


class BillingProvider(ScriptedProvider):
    """`slow_s` is the longest that it thinks about an answer."""

    def __init__(self, name: str, deal: Deal, seed: int = 1, slow_s: float = 0.02) -> None:
        super().__init__(name, Dialect.OPENAI_CHAT)
        self.deal = deal
        self.chance = Random(seed)
        self.billed = 0
        """Nano-dollars, so far."""
        self.bills = 0
        self.slow_s = slow_s

    def plan(self, request: Request) -> Plan:
        if request.method != "POST":
            return super().plan(request)
        self.request_count += 1
        body = orjson.loads(request.body)
        given, written, fate = self.deal(
            self, body.get("max_completion_tokens") or body["max_tokens"], len(request.body)
        )
        thought = Wait(self.chance.uniform(0, self.slow_s))
        if fate == "error":
            return [thought, whole(self.chance.choice(ERRORS), [JSON], b'{"error": {"message": "no", "type": "no"}}')]
        self.bills += 1
        self.billed += given * INPUT + written * OUTPUT
        told = _streamed if body.get("stream") else _whole
        return [thought, *_befallen(fate, told(body["model"], given, written))]


def _befallen(fate: Fate, parts: list[Action]) -> list[Action]:
    """`cut` is in the middle: of a stream after some of its content, of a whole answer within its body."""
    if fate == "cut before":
        return [Act.CUT]
    if fate in ("cut", "reset"):
        return [*parts[: len(parts) // 2], Wait(0), Act.CUT if fate == "cut" else Act.RESET]
    return parts


def _usage(given: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def _whole(model: str, given: int, written: int) -> list[Action]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "word " * 9}, "finish_reason": "stop"}
    body = orjson.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": model,
            "choices": [choice],
            "usage": _usage(given, written),
        }
    )
    data = whole(200, [JSON], body)
    return [data[:-40], data[-40:]]


def _streamed(model: str, given: int, written: int) -> list[Action]:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": model}

    def event(**more: object) -> bytes:
        return chunk(b"data: " + orjson.dumps(base | more) + b"\n\n")

    def choice(finish: str | None = None, **delta: str) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    words = [event(choices=choice(content="word ")) for _ in range(5)]
    return [
        head(200, [EVENTS, ("transfer-encoding", "chunked")]) + event(choices=choice(role="assistant", content="")),
        *words,
        event(choices=choice("stop")) + event(choices=[], usage=_usage(given, written)),
        chunk(b"data: [DONE]\n\n") + LAST_CHUNK,
    ]
