"""The faults of the matrix, and what each is to a whole answer and to a stream, in the kinds of `docs/failover.md`.

`What` is one of: `WELL`, the answer arrives whole; a kind, which is a fault before the first content; `broken(kind)`,
one after it. `IN` names the dialects whose provider means something else by the same fault.
"""

from functools import partial
from typing import NamedTuple

from proxy.drill import script
from proxy.drill.scene import Scene
from proxy.drill.script import Script, Step
from proxy.drill.wire import Act, Plan, Wait


class What(NamedTuple):
    kind: str
    """`ok` or a fault's kind."""
    committed: bool = False
    """The fault comes after the first content."""
    waits: bool = False
    """A longer wait is asked for than anybody keeps within a request."""
    status: int | None = None
    """The status that is told, where it is the provider's own."""


WELL = What("ok")


def broken(kind: str) -> What:
    return What(kind, committed=True)


class Row(NamedTuple):
    script: Script
    unary: What
    stream: What
    elsewhere: dict[str, tuple[What, What]] = {}  # noqa: RUF012 - never changed
    """Per provider's dialect, where it differs: of a whole answer, of a stream."""

    def what(self, dialect: str, *, stream: bool) -> What:
        return self.elsewhere.get(dialect, (self.unary, self.stream))[stream]


def both(made: Script, kind: str | What, **elsewhere: str | What) -> Row:
    """A fault that is the same to both."""
    return Row(made, _what(kind), _what(kind), {name: (_what(one), _what(one)) for name, one in elsewhere.items()})


def _what(kind: str | What) -> What:
    return kind if isinstance(kind, What) else What(kind)


def a_moment_later(made: Script) -> Script:
    """Goes on by itself where `made` would be held."""

    def plan(step: Step, scene: Scene) -> Plan:
        return [Wait(0.1) if action is Act.HOLD else action for action in step.plan(scene)]

    return Script(tuple(Step(step.name, partial(plan, step)) for step in made.steps))


PROTOCOL, TIMEOUT, SERVER = What("protocol"), What("timeout"), What("server")
OVERLOADED, THROTTLED = What("overloaded"), What("throttled")
WAITING = What("throttled", waits=True)

RESET = {
    "date": "Fri, 15 Jan 2027 08:00:00 GMT",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "30s",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:30Z",
}
"""A limit that is used up for half a minute, as OpenAI and Anthropic say it; Gemini says it in its body."""

ROWS: dict[str, Row] = {
    # -- well, if slowly or oddly told
    "ok": both(script.ok(), WELL),
    "latency": both(script.ok(first_s=0.8), WELL),
    "slow drip": both(script.ok(every_s=0.2), WELL),
    "pings": both(script.ok(pings=2, every_s=0.2), WELL),
    "1-byte segments": both(script.trickle(), WELL),
    "finish twice": both(script.duplicate_finish(), WELL),
    "body without end": both(script.unclosed(), WELL),
    "reset after the end": both(script.reset_after_end(), WELL),
    "content type": Row(script.wrong_content_type(), WELL, PROTOCOL),
    # -- no answer
    "refused": both(script.refuse(), "connect"),
    "blackhole": both(script.silence(), TIMEOUT),
    "silence after headers": both(script.silence_after_headers(), TIMEOUT),
    "late": both(script.ok(first_s=3.5), TIMEOUT),
    "nothing but pings": Row(script.ok(pings=12, every_s=0.3), WELL, TIMEOUT),
    "closed before headers": both(script.cut_before_headers(), PROTOCOL),
    "reset before headers": both(script.cut_before_headers(reset=True), PROTOCOL),
    "cut in headers": both(script.cut_in_headers(), PROTOCOL),
    "endless headers": both(script.endless_headers(), PROTOCOL),
    "cut before content": both(script.cut_before_commit(), PROTOCOL),
    # -- half an answer
    "stall": Row(script.stall(), TIMEOUT, broken("timeout")),
    "drip too slow": Row(script.ok(every_s=2.5), WELL, TIMEOUT, {"gemini": (WELL, broken("timeout"))}),
    "cut": Row(script.cut(), PROTOCOL, broken("protocol")),
    "cut in an event": Row(script.cut(in_event=True), PROTOCOL, broken("protocol")),
    "cut in a chunk": Row(script.cut_in_chunk(), PROTOCOL, broken("protocol")),
    "reset after the finish": Row(
        script.reset_after_finish(), WELL, broken("protocol"), {"responses": (WELL, WELL), "gemini": (WELL, WELL)}
    ),
    "clean truncation": Row(script.truncated(1), PROTOCOL, broken("protocol")),
    "no finish": Row(script.truncated(), PROTOCOL, broken("protocol")),
    "truncated by close": Row(script.truncated(1, by_close=True), PROTOCOL, broken("protocol")),
    "half a json": both(script.half_json(), PROTOCOL),
    # -- garbage
    "html": both(script.html(200), PROTOCOL),
    "invalid event": both(script.invalid_event(), PROTOCOL),
    "invalid utf-8": both(script.invalid_utf8(), PROTOCOL),
    "10 MiB event": Row(script.big_event(), WELL, PROTOCOL),
    "gzip bomb": both(script.gzip_bomb(), PROTOCOL),
    "redirect": both(script.redirect(), PROTOCOL),
    # -- an error, said in many ways
    "error in 200": both(script.error_in_200(), SERVER),
    "overloaded event": both(script.overloaded_event(), OVERLOADED),
    "overloaded event later": Row(
        a_moment_later(script.overloaded_event(1, held=True)), OVERLOADED, broken("overloaded")
    ),
    "html 502": both(script.html(502), SERVER),
    "500": both(script.status(500), SERVER),
    "502": both(script.status(502), SERVER),
    "503": both(script.status(503), SERVER, gemini=OVERLOADED),
    "503 with a wait": both(
        script.status(503, retry_after=30), What("server", waits=True), gemini=What("overloaded", waits=True)
    ),
    "504": both(script.status(504), SERVER, gemini=TIMEOUT),
    "529": both(script.status(529), OVERLOADED, gemini=SERVER),
    "408": both(script.status(408), SERVER),
    "429": both(script.status(429), THROTTLED, gemini=WAITING),
    "429 with a long wait": both(script.status(429, retry_after=30), WAITING),
    "429 with a short wait": both(script.status(429, retry_after_ms=300), THROTTLED),
    "429 with a wait in its body": both(
        script.status(429, message="Rate limit reached. Please try again in 20s."), WAITING, messages=THROTTLED
    ),
    "429 with the vendor's reset": both(script.status(429, headers=RESET), WAITING),
    "429 to slow down": both(script.status(429, "slow_down"), THROTTLED),
    "quota": both(script.status(429, "insufficient_quota"), "quota"),
    "spend limit": both(script.status(429, "spend_limit"), "quota"),
    "402": both(script.status(402), "quota"),
    "401": both(script.status(401), "auth"),
    "403": both(script.status(403), "auth"),
    "404": both(script.status(404), "missing"),
    "400": both(script.status(400), What("refused", status=400)),
    "413": both(script.status(413), What("refused", status=413), messages="too_long", gemini="too_long"),
    "422": both(script.status(422), What("refused", status=422)),
    "too long": both(script.status(400, "context_length"), "too_long"),
    "filtered": both(script.status(400, "content_filter"), "content", gemini=What("refused", status=400)),
}
