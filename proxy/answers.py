"""What every answer says beside its content: who served it, how it came to that, and how a failure is told.

Names of headers and codes are part of the interface; tests assert on them.
"""

import math
import re
from typing import Final

import orjson

from proxy.config.spending import NANOS, dollars
from proxy.flow import Attempt, Choice, Exchange, Headers
from proxy.memo import Memo
from proxy.telemetry.names import (
    ANTHROPIC_REQUEST_ID,
    ATTEMPTS,
    BUDGET,
    COST,
    MODEL,
    PROVIDER,
    REQUEST_ID,
    SELECTION,
    SHOULD_RETRY,
    SKIPPED,
    TRANSLATION,
    UPSTREAM_ID,
)
from translators.faults import Fault, say
from translators.ir import Dialect, Usage

_UNSAFE = re.compile(r"[^\w./\[\]:-]", re.ASCII)
ATTEMPTS_CAP = 1024
_ANTHROPIC: Final = Dialect.ANTHROPIC_MESSAGES  # a member looked up in its class costs as much as a call


_SAFE: Memo[str, str] = Memo(lambda name: _UNSAFE.sub("", name), 4096)


def safe(name: str) -> str:
    """`name` with everything but ASCII word characters and `./[]:-` removed: fit for a header. For names that come
    again: they are remembered."""
    return _SAFE[name]


def attempts_header(attempts: list[Attempt]) -> str:
    """`alpha/gpt-4o;server;503;412, beta/claude;ok;200;890`: target;kind;status;ms, capped, then `+N`."""
    if len(attempts) == 1:  # as nearly always
        first = attempts[0]
        text = f"{safe(first.target)};{first.kind};{first.status};{first.ms}"
        return text if len(text) <= ATTEMPTS_CAP - 8 else "+1"
    text = ""
    for position, attempt in enumerate(attempts):
        one = f"{safe(attempt.target)};{attempt.kind};{attempt.status};{attempt.ms}"
        if len(text) + len(one) > ATTEMPTS_CAP - 8:
            left = len(attempts) - position
            return f"{text}, +{left}" if text else f"+{left}"
        text = f"{text}, {one}" if text else one
    return text


def skipped_header(skipped: list[tuple[str, str]]) -> str:
    """`alpha/gpt-4o, gamma/m`: the targets that were passed over, capped as the attempts are."""
    names = [safe(target) for target, _ in skipped]
    text = ", ".join(names)
    while len(text) > ATTEMPTS_CAP - 8:
        names.pop()
        text = f"{', '.join(names)}, +{len(skipped) - len(names)}"
    return text


def selection_header(choice: Choice) -> str:
    """`gpt-4o; strategy=balanced; task=letters; complexity=0.12; level=simple`: the entry that was chosen, and of what
    decided as much as there is."""
    told = [safe(choice.model)]
    told += [f"{name}={safe(value)}" for name in ("strategy", "task") if (value := getattr(choice, name))]
    if choice.score is not None:
        told.append(f"complexity={choice.score:g}; level={choice.level}")
    if choice.experiment:
        told.append(f"experiment={safe(choice.experiment)}; arm={safe(choice.arm)}")
    return "; ".join(told)


def _reasons(exchange: Exchange) -> list[dict[str, str]]:
    return [{"target": target, "reason": say(reason)} for target, reason in exchange.skipped]


def minted_id(exchange: Exchange) -> str:
    """The id of an answer that this proxy puts into the client's dialect."""
    return exchange.codec.id_prefix + exchange.id.removeprefix("req_")


def served_headers(exchange: Exchange) -> Headers:
    """The headers that say who served, for any answer; only what is known is said."""
    headers: Headers = [(REQUEST_ID, exchange.id)]
    if exchange.codec.dialect is _ANTHROPIC:
        headers.append((ANTHROPIC_REQUEST_ID, exchange.id))
    if exchange.provider:
        headers.append((PROVIDER, safe(exchange.provider)))
    if exchange.model:
        headers.append((MODEL, safe(exchange.model)))
    if exchange.attempts:
        headers.append((ATTEMPTS, attempts_header(exchange.attempts)))
    if exchange.choice is not None:
        headers.append((SELECTION, exchange.choice.header))
    if exchange.translation:
        headers.append((TRANSLATION, exchange.translation))
    if exchange.upstream_id:
        headers.append((UPSTREAM_ID, _UNSAFE.sub("", exchange.upstream_id)[:128]))
    if exchange.limits:
        headers.extend(exchange.limits)
    if exchange.skipped or exchange.budgets:
        _gave_way(exchange, headers)
    return headers


def _gave_way(exchange: Exchange, headers: Headers) -> None:
    """Who was passed over, and which budgets had no room."""
    if exchange.skipped:
        headers.append((SKIPPED, skipped_header(exchange.skipped)))
    if exchange.budgets:
        headers.append((BUDGET, "; ".join(exchange.budgets)))


def cost_headers(exchange: Exchange) -> Headers:
    """What a whole answer cost, all attempts included, where their prices are known."""
    return [] if exchange.cost is None else [(COST, dollars(exchange.cost))]


def metadata(exchange: Exchange, now: float, usage: Usage | None) -> dict[str, object]:
    """What `x-sidestep-metadata` asks for: the headers' facts as an object, and how the model was chosen. `now` is loop
    time, `usage` what the answer used as far as it is known."""
    model = exchange.model
    served = f"{exchange.provider}/{model}"
    told: dict[str, object] = {
        "request_id": exchange.id,
        "provider": exchange.provider,
        "model": model,
        "model_used": model,
        "fallback_used": bool(exchange.skipped) or any(one.target != served for one in exchange.attempts),
        "processing_time_ms": round((now - exchange.started) * 1000),
        "attempts": [_told(one) for one in exchange.attempts],
    }
    if usage is not None:
        told["tokens_used"] = usage.billed
    choice = exchange.choice
    told["selection_reason"] = "the request names this model" if choice is None else choice.reason
    if choice is not None and choice.strategy:
        told["strategy"] = choice.strategy
    if choice is not None and choice.score is not None:
        told["complexity_score"] = choice.score
    if exchange.skipped:
        told["skipped"] = _reasons(exchange)
    if exchange.translation:
        told["translation"] = exchange.translation
    if exchange.cost is not None:
        told["cost_usd"] = exchange.cost / NANOS
    return told


def noted(body: bytes, told: dict[str, object]) -> bytes:
    """A unary JSON object with `told` (`metadata`) as its member `sidestep`; spliced, since it may be large."""
    head = body.rstrip()
    if not head.endswith(b"}"):
        return body
    joint = b"" if head[:-1].rstrip().endswith(b"{") else b","
    return head[:-1] + joint + b'"sidestep":' + orjson.dumps(told) + b"}"


def retry_headers(retry_after_s: float | None, should_retry: bool | None) -> Headers:
    """Retry-After in whole seconds (rounded up, at least 1) and `x-should-retry`."""
    headers: Headers = []
    if retry_after_s is not None:
        headers.append(("retry-after", str(max(1, math.ceil(retry_after_s)))))
    if should_retry is not None:
        headers.append((SHOULD_RETRY, "true" if should_retry else "false"))
    return headers


async def tell_fault(
    exchange: Exchange,
    fault: Fault,
    *,
    retry_after_s: float | None = None,
    should_retry: bool | None = False,
    more: Headers | None = None,
) -> None:
    """Answers with an error in the client's dialect; the targets tried go into `error.sidestep.attempts`."""
    extra: dict[str, object] = {"attempts": [_told(one) for one in exchange.attempts]} if exchange.attempts else {}
    if exchange.skipped:
        extra["skipped"] = _reasons(exchange)
    status, body = exchange.codec.render_fault(fault, extra or None)
    exchange.status = status
    exchange.fault = fault
    headers = [("content-type", "application/json"), *served_headers(exchange), *cost_headers(exchange)]
    await exchange.out.answer(status, headers + retry_headers(retry_after_s, should_retry) + (more or []), body)


def _told(attempt: Attempt) -> dict[str, object]:
    told: dict[str, object] = {
        "target": attempt.target,
        "kind": attempt.kind,
        "status": attempt.status,
        "ms": attempt.ms,
    }
    if attempt.message:
        told["message"] = attempt.message
    return told
