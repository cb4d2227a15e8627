"""The drill's client: one question, and what came of it, told apart as a person would want it.

A stream that breaks after its first content is not the proxy's to mend; what it owes the client is the truth. So there
are four ends: `ok`; `told`, a stream that broke off and said so, by an error event or an unterminated body; `short`,
part of an answer that looks whole, which must never be; and `error`, no answer at all, or one that the client left for
its silence.
"""

import asyncio
import math
from typing import Any, Literal

import orjson
from msgspec import Struct

from proxy.clock import Clock
from proxy.drill.load import Answered, Broken, Left, Result, judged, once, read_stream
from proxy.telemetry.names import READ_TIMEOUT

Kind = Literal["unary", "stream"]
KINDS: tuple[Kind, ...] = ("unary", "stream")
End = Literal["ok", "told", "short", "error"]
MOST_TOKENS = 64
"""What an answer may be long, and cost."""
QUESTION = "Say hello in one short sentence."


class Outcome(Struct, frozen=True):
    """Times are seconds of the clock passed in."""

    kind: Kind
    end: End
    sent: float
    ended: float
    result: Result
    left: bool = False
    """Whether it was the client that ended it."""

    @property
    def waited_s(self) -> float:
        """Until the answer; of a stream, until its first content."""
        return self.result.seconds if self.result.first_token_s is None else self.result.first_token_s


async def ask(
    url: str, model: str, kind: Kind, *, timeout_s: float, clock: Clock, client_s: float | None = None
) -> Outcome:
    """One request at `url` (without `/v1`), by a client that leaves after `client_s` of silence, and says so. Never
    raises for what the other side does."""
    sent = clock.now()
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_completion_tokens": MOST_TOKENS,
    }
    if kind == "stream":
        body["stream"] = True
    headers, silence_s = ({}, math.inf) if client_s is None else ({READ_TIMEOUT: f"{client_s:.3f}"}, client_s)
    try:
        async with asyncio.timeout(timeout_s):
            answered = await once(f"{url}/v1", "/chat/completions", body, headers, clock, silence_s)
    except Broken as error:
        return _broken(kind, error, sent, clock.now())
    except (OSError, TimeoutError) as error:
        now = clock.now()
        said = str(error) or type(error).__name__
        return Outcome(kind, "error", sent, now, Result(ok=False, error=said, seconds=now - sent))
    return _whole(kind, answered, sent)


def _broken(kind: Kind, error: Broken, sent: float, now: float) -> Outcome:
    """The connection ended too early, which no client overlooks. A stream's 200 was said with its first content."""
    answered = error.answered or Answered()
    left = isinstance(error, Left)
    said = str(error) if left else _event_error(answered) or str(error)
    result = Result(ok=False, error=said, status=answered.status, headers=answered.headers, seconds=now - sent)
    begun = kind == "stream" and answered.status == 200 and not left
    return Outcome(kind, "told" if begun else "error", sent, now, result, left)


def _whole(kind: Kind, answered: Answered, sent: float) -> Outcome:
    """The exchange ended well as far as HTTP goes."""
    result = judged(kind, answered, sent)
    if kind == "unary" and not result.ok and _bounded(answered):
        result = Result(ok=True, status=200, headers=answered.headers, seconds=result.seconds)
    end: End = "ok"
    if not result.ok:
        begun = kind == "stream" and answered.status == 200
        end = "error" if not begun else "told" if _event_error(answered) else "short"
    return Outcome(kind, end, sent, answered.ended, result)


def _bounded(answered: Answered) -> bool:
    """Whether an answer ended where the question's own bound on tokens ends it."""
    try:
        return answered.status == 200 and orjson.loads(answered.body)["choices"][0]["finish_reason"] == "length"
    except (ValueError, KeyError, IndexError, TypeError):
        return False


def _event_error(answered: Answered) -> str:
    """What an error event in a stream says; empty without one."""
    try:
        read_stream(answered.pieces)
    except ValueError as error:
        return str(error) if str(error).startswith("error event") else ""
    except (KeyError, IndexError, TypeError):
        pass
    return ""
