"""What can go wrong with an attempt, and what each kind means: one table that every layer reads.

A fault carries facts, not a class tree: its kind, and what the upstream said. `OUTCOMES` says what a kind does to the
breaker, whether the same target or the next one may be tried, and what the client sees when it is the last word.
"""

import enum
from typing import Literal

from msgspec import Struct

from translators.usage import Usage


class Kind(enum.StrEnum):
    CONNECT = "connect"
    TIMEOUT = "timeout"
    SERVER = "server"
    OVERLOADED = "overloaded"
    THROTTLED = "throttled"
    QUOTA = "quota"
    AUTH = "auth"
    MISSING = "missing"
    REFUSED = "refused"
    TOO_LONG = "too_long"
    CONTENT = "content"
    PROTOCOL = "protocol"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"
    SHED = "shed"


class Onward(enum.StrEnum):
    """May another target be tried after this fault?"""

    YES = "yes"
    NO = "no"
    IF_TRANSLATED = "if_translated"
    """Only when this target got a translation: the translation may be what was refused."""
    IF_LARGER = "if_larger"
    """Only targets known to have a larger context window."""
    IF_ALLOWED = "if_allowed"
    """Only where the model's configuration says so."""


class Again(enum.StrEnum):
    """May the same target be tried again?"""

    NEVER = "never"
    YES = "yes"
    ONCE = "once"
    SHORT_WAIT = "short_wait"
    """Only when the wait the upstream asked for is short."""
    NEXT_KEY = "next_key"
    """Only with another key of the same provider."""


class Outcome(Struct, frozen=True):
    breaker: Literal["success", "fail", "neutral", "ignored"]
    again: Again
    onward: Onward
    status: int
    """HTTP status the client gets when this is the last word."""
    type: str
    code: str | None


OUTCOMES: dict[Kind, Outcome] = {
    Kind.CONNECT: Outcome("fail", Again.YES, Onward.YES, 502, "server_error", "all_targets_failed"),
    Kind.TIMEOUT: Outcome("fail", Again.NEVER, Onward.YES, 504, "server_error", "all_targets_failed"),
    Kind.SERVER: Outcome("fail", Again.YES, Onward.YES, 502, "server_error", "all_targets_failed"),
    Kind.OVERLOADED: Outcome("fail", Again.ONCE, Onward.YES, 503, "server_error", "overloaded"),
    Kind.THROTTLED: Outcome("neutral", Again.SHORT_WAIT, Onward.YES, 429, "rate_limit_error", "rate_limit_exceeded"),
    Kind.QUOTA: Outcome("neutral", Again.NEXT_KEY, Onward.YES, 503, "server_error", "no_target_available"),
    Kind.AUTH: Outcome("neutral", Again.NEXT_KEY, Onward.YES, 503, "server_error", "upstream_auth_error"),
    Kind.MISSING: Outcome("neutral", Again.NEVER, Onward.YES, 404, "invalid_request_error", "model_not_found"),
    Kind.REFUSED: Outcome("success", Again.NEVER, Onward.IF_TRANSLATED, 400, "invalid_request_error", None),
    Kind.TOO_LONG: Outcome(
        "success", Again.NEVER, Onward.IF_LARGER, 400, "invalid_request_error", "context_length_exceeded"
    ),
    Kind.CONTENT: Outcome("success", Again.NEVER, Onward.IF_ALLOWED, 400, "invalid_request_error", "content_filter"),
    Kind.PROTOCOL: Outcome("fail", Again.YES, Onward.YES, 502, "server_error", "upstream_invalid_response"),
    Kind.CANCELLED: Outcome("ignored", Again.NEVER, Onward.NO, 499, "server_error", None),
    Kind.DEADLINE: Outcome("ignored", Again.NEVER, Onward.NO, 504, "server_error", "deadline_exceeded"),
    Kind.SHED: Outcome("ignored", Again.NEVER, Onward.YES, 503, "server_error", "overloaded"),
}


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that went wrong. `message` is safe to show to the client and capped by `say()`.

    `status` is what the upstream answered (0 when it did not answer in HTTP); `retry_after_s` is the wait a *body*
    asked for (headers are read by the proxy, which owns the clock); `daily` marks a quota that heals at a day's end.
    """

    kind: Kind
    message: str
    status: int = 0
    type: str | None = None
    code: str | None = None
    param: str | None = None
    retry_after_s: float | None = None
    daily: bool = False
    repair: Literal["", "reasoning", "responses", "summary"] = ""
    """What would mend the request at this very target: leave out provider-bound reasoning, ask by way of the Responses
    API, or not ask to be shown the reasoning. Such a fault is tried again there once, mended."""

    @property
    def outcome(self) -> Outcome:
        return OUTCOMES[self.kind]


MESSAGE_CAP = 600


def say(text: str) -> str:
    """`text` fit for one line of an error: control characters and runs of space folded, at most 600 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MESSAGE_CAP else line[: MESSAGE_CAP - 1] + "…"


WEB_PAGE = "it answered with a web page instead of an API answer"
_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml")


def is_page(body: bytes) -> bool:
    """Whether an answer is a page of some server in between (a firewall, a login): then it is not the provider's word,
    and what its status says of a key, a model or the request, the provider has not said."""
    return body[:64].lstrip().lower().startswith(_PAGES)


class ProtocolFault(Exception):
    """The upstream sent what its dialect does not allow. The message says what, without quoting the body."""


class Truncated(ProtocolFault):
    """The upstream ended its answer without the dialect's terminal event."""


class Malformed(ValueError):
    """The client's request is not what its dialect allows.

    `param` is the path of the field (`messages[2].content`), `code` an OpenAI error code; the text is one sentence.
    """

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


class Failure(Exception):
    """An attempt ended in `fault`; `usage` is what its answer says of its counts all the same."""

    def __init__(self, fault: Fault, usage: Usage | None = None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.usage = usage
