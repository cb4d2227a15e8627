"""What a scripted provider does with a request: well, or wrong in one exact way.

Each constructor makes a `Script` of one step. Scripts are values: `status(503).times(2).then(ok())` fails twice and
then answers; the last step goes on for ever. A step takes the right answer apart and gives a plan of actions, so
every fault is deterministic, and the same on every socket.

Where a fault speaks of events, it is about streams; a unary answer then suffers what is nearest: it breaks off in the
middle of its body, or is the error itself. `refuse()` is about connections, not requests, and stands alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat

from proxy.drill import damage
from proxy.drill.scene import Scene
from proxy.drill.speech import Style
from proxy.drill.wire import Act, Plan, Wait

BIG_EVENT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    plan: Callable[[Scene], Plan] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Script:
    """Steps, one a request; the last one repeats."""

    steps: tuple[Step, ...]
    refusing: bool = False
    """Connections are refused: no request is ever heard."""

    def then(self, following: "Script") -> "Script":
        """Plays this script, then `following`. Raises ValueError where either refuses connections."""
        if self.refusing or following.refusing:
            raise ValueError("refuse() stands alone: set it as the whole script, and another one to listen again")
        return Script(self.steps + following.steps)

    def times(self, count: int) -> "Script":
        """The steps repeated. Raises ValueError for less than one time."""
        if count < 1:
            raise ValueError("a script runs at least once")
        return Script(self.steps * count, self.refusing)

    def __str__(self) -> str:
        return " then ".join(step.name for step in self.steps) or "refuse"


def _script(name: str, plan: Callable[[Scene], Plan]) -> Script:
    return Script((Step(name, plan),))


# -- well -----------------------------------------------------------------------------------------------------------


def ok(
    *,
    deltas: int | None = None,
    every_s: float = 0.0,
    first_s: float = 0.0,
    pings: int = 0,
    reasoning: bool = False,
    cached: bool = False,
    obfuscated: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """The right answer.

    `deltas`: content deltas of a text, None for one a word. `every_s`: pause between events of a stream, 0 for all
    at once. `first_s`: silence before the answer. `pings`: keep-alives before the first content, `every_s` apart.
    `reasoning`: reasoning is shown though the request did not ask. `cached`: the prompt was read from the cache, but
    for a token. `obfuscated`: words of an OpenAI stream are padded, as OpenAI's own are. `headers` are added to the
    answer's own.
    """
    style = Style(deltas=deltas, reasoning=reasoning, cached=cached, obfuscated=obfuscated)

    def plan(scene: Scene) -> Plan:
        answer = scene.answer(style, headers or {})
        told = damage.told(answer, every_s, [scene.voice.PING] * pings)
        return chain([Wait(first_s)], told) if first_s else told

    return _script("ok", plan)


def pauses(count: int) -> Script:
    """An answer that pauses so many times, each time with the text, and then ends. Anthropic's dialect pauses after a
    search of the server's own, Gemini's with a token to go on from; the others know no pauses and give the right
    answer."""
    style = Style(pauses=True)
    return _script("pause", lambda scene: damage.told(scene.answer(style))).times(count).then(ok())


def hold(after: int | None = None) -> Script:
    """Like `ok`, but waits for the provider's `release()`: before the answer, or `after` so many content deltas."""
    if after is None:
        return _script("hold", lambda scene: chain([Act.HOLD], damage.told(scene.answer())))
    return _script(f"hold after {after}", lambda scene: damage.paused(scene.answer(), after, Act.HOLD))


def trickle() -> Script:
    """The right answer, one byte a TCP segment."""
    return _script("trickle", lambda scene: damage.trickled(scene.answer()))


# -- an answer, but an error ----------------------------------------------------------------------------------------


def status(
    code: int,
    kind: str | None = None,
    *,
    retry_after: float | str | None = None,
    retry_after_ms: float | None = None,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Script:
    """An error status with the vendor's body; `kind` is one of `faults.KINDS` (e.g. `insufficient_quota`)."""
    more = dict(headers or {})
    if retry_after is not None:
        more["retry-after"] = str(retry_after)
    if retry_after_ms is not None:
        more["retry-after-ms"] = str(retry_after_ms)
    name = f"status {code} {kind}" if kind else f"status {code}"
    return _script(name, lambda scene: damage.told(scene.error(code, kind, message, more)))


def error_in_200(kind: str | None = None) -> Script:
    """Status 200 with an error as the whole body."""
    return _script("error in 200", lambda scene: damage.told(scene.error(500, kind, None, {}, said=200)))


def overloaded_event(after: int | None = None, *, held: bool = False) -> Script:
    """A 200 stream with an overloaded error event: before any content, or `after` so many deltas; then a regular end of
    the body without the terminal event. `held`: the event waits for the provider's `release()`, so that what was before
    it is on its way. A unary request gets the overloaded status."""
    return _script("overloaded event", lambda scene: damage.broken_by_event(scene, after, held=held))


def html(code: int = 200) -> Script:
    """A page of HTML, as an edge or a captive portal gives it."""
    return _script(f"html {code}", lambda _: damage.page(code))


def redirect(location: str = "http://127.0.0.1:9/") -> Script:
    return _script("redirect", lambda _: damage.redirected(location))


# -- silence --------------------------------------------------------------------------------------------------------


def silence() -> Script:
    """Accepts, reads, never answers."""
    return _script("silence", lambda _: [Act.NEVER])


def silence_after_headers() -> Script:
    return _script("silence after headers", lambda scene: [damage.opening(scene.answer()), Act.NEVER])


def stall(after: int = 1) -> Script:
    """A stream that stops `after` so many content deltas, the connection open."""
    return _script(f"stall after {after}", lambda scene: damage.paused(scene.answer(), after, Act.NEVER))


def unclosed() -> Script:
    """The right stream with its terminal event, and then a body that does not end; a unary answer is the right one."""
    return _script("unclosed", lambda scene: damage.unclosed(scene.answer()))


# -- cuts -----------------------------------------------------------------------------------------------------------


def refuse() -> Script:
    """Connections are refused while this is the provider's script; open ones are reset."""
    return Script((), refusing=True)


def cut_before_headers(*, reset: bool = False) -> Script:
    """Reads the request, then closes the connection, or resets it."""
    return _script("cut before headers", lambda _: [Act.RESET if reset else Act.CUT])


def cut_in_headers() -> Script:
    return _script("cut in headers", lambda scene: [damage.opening(scene.answer())[:-20], Act.CUT])


def cut_before_commit() -> Script:
    """A stream cut after its role chunk or message_start, before any content; a unary answer after its headers."""
    return _script("cut before commit", lambda scene: damage.cut(scene.answer(), None, b""))


def cut(after: int = 1, *, in_event: bool = False) -> Script:
    """A stream cut `after` so many content deltas, `in_event`: in the middle of the next event."""
    half = b"data: {" if in_event else b""
    return _script(f"cut after {after}", lambda scene: damage.cut(scene.answer(), after, half))


def cut_in_chunk(after: int = 1) -> Script:
    """A stream cut in the middle of a chunk, `after` so many content deltas: fewer bytes come than were announced."""
    return _script("cut in a chunk", lambda scene: damage.cut_in_chunk(scene.answer(), after))


def reset_after_finish() -> Script:
    """A stream reset after it has said its finish, but not its end; a unary answer is reset when all of it was sent."""
    return _script("reset after the finish", lambda scene: damage.reset_behind(scene.answer(), "finish"))


def reset_after_end() -> Script:
    """The right answer, and then a reset in place of the last chunk."""
    return _script("reset after the end", lambda scene: damage.reset_behind(scene.answer(), "end"))


def truncated(after: int | None = None, *, by_close: bool = False) -> Script:
    """A stream that ends regularly, but without its finish and terminal event, `after` so many content deltas or all.

    `by_close`: the body is delimited by the end of the connection, not chunked. A unary answer is half its JSON.
    """
    return _script("truncated", lambda scene: damage.truncated(scene.answer(), after, by_close=by_close))


# -- garbage --------------------------------------------------------------------------------------------------------


def half_json() -> Script:
    """Half a JSON body with a content-length that fits; in a stream, an event with half its JSON."""
    return _script("half json", lambda scene: damage.halved(scene.answer()))


def invalid_event() -> Script:
    """A stream whose first event after its opening is not JSON; a unary answer that is not JSON."""
    return _script(
        "invalid event", lambda scene: damage.with_event(scene.answer(), b"data: {not json}\n\n", b"{not json}")
    )


def invalid_utf8() -> Script:
    """A delta, or a unary answer, with bytes that are no UTF-8."""
    return _script("invalid utf-8", damage.with_bad_text)


def big_event(size: int = BIG_EVENT_BYTES) -> Script:
    """An event of `size` bytes of text; a unary answer has that much whitespace before its JSON."""

    def plan(scene: Scene) -> Plan:
        return damage.with_event(scene.answer(), scene.voice.text_event(b"x" * size), b" " * size, keep_body=True)

    return _script("big event", plan)


def endless_headers() -> Script:
    """Headers without end: 1 GiB of them, unless the peer leaves."""
    opening = b"HTTP/1.1 200 OK\r\n"
    return _script("endless headers", lambda _: chain([opening], repeat(damage.HEADER_BLOCK, damage.HEADER_BLOCKS)))


def wrong_content_type(content_type: str = "text/plain") -> Script:
    return _script(
        "wrong content type", lambda scene: damage.told(scene.answer(headers={"content-type": content_type}))
    )


def duplicate_finish() -> Script:
    """A stream that says its finish twice."""
    return _script("duplicate finish", lambda scene: damage.finished_twice(scene.answer()))


def gzip_bomb() -> Script:
    """The answer as gzip, unasked, 32 MiB when unpacked."""
    return _script("gzip bomb", lambda scene: damage.bombed(scene.answer()))
