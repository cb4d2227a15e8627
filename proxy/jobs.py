"""What is asked of a target, whatever the endpoint: prepare a body for it, read its answer, watch its stream.

A job holds the client's parsed request for one exchange and makes one target's version of it on demand. Where client
and target speak the same dialect the content is relayed; the neutral form is built once, and only when a target of
another dialect is reached. Jobs that are not conversations: `plain_jobs`.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Protocol

import orjson
from msgspec import Struct, structs

from proxy.config.values import Target
from proxy.mending import MENDED, mends
from proxy.opaque import Past
from proxy.pins import Heard, Hearing
from proxy.ways import Taught, asked_in, way
from translators.catalog import codec
from translators.codec import Codec, Context, Envelope, EventWriter, Pipe, Seen
from translators.faults import Fault, Malformed
from translators.fold import Folding
from translators.glance import may_bind, shows_origin
from translators.ir import Continued, Dialect, Finish, Reply, Request, Usage
from translators.joined import joined
from translators.pipe import Translating, unsaid, unsaid_of
from translators.profile import Profile
from translators.remember import bare, loop_origin, origins, spans
from translators.report import Entry, Report, Verdict

FAN_MAX = 8
"""Most calls that are made for one request at the same time."""


class Prepared(Struct, frozen=True):
    """One target's version of the request."""

    body: bytes
    fields: Mapping[str, Any]
    """The body before it became bytes: a dialect's headers may depend on it."""
    path: str
    report: Report
    translated: bool
    stream: bool
    """Whether the upstream is asked for a stream, be it passed on or folded into a whole answer."""
    target: Target
    """The target as it is asked: its dialect may be another than the provider's own (`proxy.ways`)."""
    too_long: bool = False
    """Whether the input is certain to be more than the model can be given; the report says so too."""
    fan: "Fan | None" = None
    """Set where one call cannot give all the answers that were asked for, so that several are made side by side."""
    calls: int = 1
    """Calls that are made at once: the fan's."""


class Fan(Struct, frozen=True):
    """The calls that are made for `n` answers, each for one of them."""

    calls: int
    told_to: Callable[["Told"], "Job"]
    """The job of one of them, whose answer is told to another than the client."""


class Told(Protocol):
    """Who is told an answer: the client's dialect, or who puts several answers together."""

    @property
    def dialect(self) -> Dialect | None:
        """An upstream's answer in this dialect passes as it came; None where all are read."""

    def render_reply(self, reply: Reply, context: Context) -> bytes: ...

    def writer(self, context: Context) -> EventWriter: ...


class Answered(Struct, frozen=True):
    """A unary answer in the client's dialect."""

    body: bytes
    usage: Usage | None
    id: str = ""
    """The upstream's id of it, where the body still bears that."""
    pause: "Pause | None" = None
    """Set where the upstream wants to be asked for the rest; without it, the body is of an answer that was cut."""
    of: "Reply | Seen | None" = None
    """The answer as it was read."""


class Pause(Struct, frozen=True):
    continued: Continued
    rest: Callable[[bytes], Answered]
    """The whole answer, by the body that came for the rest; raises as `Job.answer` does."""


class Job(Protocol):
    stream: bool
    """Whether the client asked for a stream."""
    endpoint: str
    """`chat`, `count_tokens` or `embeddings`."""

    def prepare(self, target: Target) -> Prepared:
        """Raises Malformed when the client's body cannot be read well enough to be translated."""

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:
        """Raises Failure for an error dressed as a 200, ProtocolFault for what is no answer at all."""

    def pipe(self, target: Target, context: Context) -> Pipe:
        """For a streamed answer that a client waits for as a stream."""

    def folding(self, target: Target, context: Context, limit: int) -> Pipe:
        """For a streamed answer that a client waits for as a whole: its `close` gives the body, of at most about
        `limit` bytes."""

    def include_usage(self) -> bool: ...

    def named_tool(self) -> bool:
        """Whether the caller forced one named tool. Only a translation asks, so only a prepared one must know."""

    def reasons(self, target: Target) -> bool:
        """Whether the first token may be late because the model thinks first."""

    def loop_origin(self) -> str:
        """The place whose calls' results end this request, if it bound its thinking to itself; empty otherwise."""

    def repaired(self, target: Target, prepared: Prepared, repair: str) -> Prepared | None:
        """The request mended as `Fault.repair` asks; None where there is nothing to mend. Raises as `prepare` does."""


class ChatJob:
    """A chat request of any dialect."""

    endpoint = "chat"

    def __init__(
        self,
        client: Codec,
        payload: dict[str, Any],
        stream: bool,
        usage: bool,
        bound: int | None,
        clamped: Entry | None = None,
        thinks: bool | None = None,
        at_least: Callable[[Mapping[str, Any]], int] = lambda _: 0,
        past: Past | None = None,
        taught: Taught | None = None,
        fan_out: bool = False,
        hearing: Hearing | None = None,
        checked: Envelope | None = None,
    ) -> None:
        """`clamped` tells the field that a budget bounds, where nobody else does; `at_least` how many input tokens a
        body is at the least; `past` keeps what a client drops of turns with tools; `taught` what targets said of the
        API they want to be asked by; `fan_out` says whether several answers may be asked for by as many calls where a
        target gives one; `hearing` keeps what the client is told; `checked` is the payload's envelope."""
        self._hearing, self._checked = hearing, checked
        self.stream = stream
        self._taught = taught or Taught()
        self._tools = bool(payload.get("tools") or payload.get("functions"))
        self._past = past
        self._at_least = at_least
        self._least: int | None = None
        self._thinks = thinks
        self._client = client
        self.told: Told = client
        self._fan_out = fan_out
        self._payload = payload
        self._usage = usage
        self._bound = bound
        self._clamped = clamped
        self._neutral: Request | None = None
        self._custom: tuple[str, ...] = ()
        self._hosted = False

    def include_usage(self) -> bool:
        return self._usage

    def named_tool(self) -> bool:
        choice = self._neutral.tool_choice if self._neutral is not None else None
        return choice is not None and choice.mode == "named"

    def reasons(self, target: Target) -> bool:
        profile = target.profile
        if profile.thinking == "none":
            return False
        return profile.reasons if self._thinks is None else self._thinks

    async def recall(self) -> None:
        """Looks for what was kept of the earlier turns; to be awaited before anything is prepared."""
        if self._past is not None and self._past.is_kept:
            try:
                items = self._request().items
            except Malformed:
                return  # it may pass where nothing is translated
            await self._past.recall(items)

    def loop_origin(self) -> str:
        past = self._past
        if not past and not shows_origin(self._payload):
            return ""
        try:
            items = self._request().items
        except Malformed:
            return ""
        return past.origin(items) if past is not None else loop_origin(items, {}, spans(items, b""))

    def prepare(self, target: Target) -> Prepared:
        target = asked_in(target, way(self._client.dialect, target, self._taught.of(target), tools=self._tools))
        upstream = codec(target.provider.dialect)
        translated = upstream.dialect is not self._client.dialect
        fields, report = self._rendered(target, upstream)
        fan = self._fan(report) if self._fan_out else None
        if fan is not None:
            fields, report = self._rendered(target, upstream, alone=True)
            report.approximated("n", f"asked for by {fan.calls} calls")
        if self._clamped is not None:
            report.entries.append(self._clamped)
        stream = self.stream
        if not stream and (translated or target.profile.upstream_stream):
            # A relay passes what was asked, and its answer as it came: only the configuration may have it folded.
            streamed = upstream.as_stream(fields, target.profile)
            stream, fields = streamed is not None, streamed or fields
        path = upstream.request_path(target.profile, stream=stream)
        body = orjson.dumps(fields)
        too_long = self._too_long(body, target.profile.context_window, report)
        calls = 1 if fan is None else fan.calls
        return Prepared(body, fields, path, report, translated, stream, target, too_long, fan, calls)

    def _rendered(self, target: Target, upstream: Codec, *, alone: bool = False) -> tuple[dict[str, Any], Report]:
        """The body for `target`; `alone`: for one answer, however many were asked for."""
        past = self._past
        if upstream.dialect is not self._client.dialect:
            request = structs.replace(self._request(), n=1) if alone else self._request()
            if past:
                request = past.restored(request, target.profile.origin(upstream.dialect))
            fields, report = upstream.render_request(request, self._profile(target))
            self._name(report, request)
            return fields, report
        removed = Report() if past else None
        payload = past.replayed(self._payload, upstream, target.profile, removed) if past and removed else self._payload
        if alone:
            payload = {name: value for name, value in payload.items() if name != "n"}
        fields, report = upstream.relay_request(payload, target.profile, self._bound)
        if report.entries and payload is not self._payload:
            report.put_back(self._payload.get("input"), payload.get("input"))
        if removed is not None:
            report.entries[:0] = [entry for entry in removed.entries if entry not in report.entries]
        return fields, report

    def _name(self, report: Report, request: Request) -> None:
        """Has the report of `request`, be it as it was read or with what was kept put back, speak as the client."""
        if report.entries:
            read = self._request().items
            places = None if request.items is read else origins(read, request.items)
            report.rename(self._client.naming(self._payload), request.extra, places)

    def _fan(self, report: Report) -> Fan | None:
        """The calls to make where nothing but one call's `n` is in the way."""
        if not any(entry.field == "n" and entry.verdict is Verdict.REFUSED for entry in report.entries):
            return None
        calls = self._request().n
        return Fan(calls, self._telling) if 1 < calls <= FAN_MAX else None

    def _telling(self, told: Told) -> "ChatJob":
        """The same job, whose answers are told to `told`."""
        twin = copy(self)
        twin.told = told
        return twin

    def repaired(self, target: Target, prepared: Prepared, repair: str) -> Prepared | None:
        if repair == "responses":
            self._taught.learn(target, tools=self._tools)
            other = self.prepare(target)
            return None if other.target.provider.dialect is prepared.target.provider.dialect else other
        if repair not in MENDED or (repair == "summary" and not prepared.translated):
            return None  # who asked for a summary itself is told that there is none
        target = prepared.target
        upstream = codec(target.provider.dialect)
        if prepared.translated:
            request = self._mended(repair, target, upstream)
            if prepared.fan is not None:
                request = structs.replace(request, n=1)
            profile = self._profile(target)
            if repair == "reasoning":  # who speaks of signatures demands them
                profile = structs.replace(profile, call_signatures=True)
            fields, _ = upstream.render_request(request, profile)
            if prepared.stream and not self.stream:
                fields = upstream.as_stream(fields, target.profile) or fields
        else:
            fields = upstream.unbound(dict(prepared.fields), target.profile) or {}
        body = orjson.dumps(fields)
        if not fields or body == prepared.body:
            return None
        told = mends(repair, self._request, self._name, translated=prepared.translated)
        prepared.report.entries += told.entries
        return structs.replace(prepared, fields=fields, body=body)

    def _mended(self, repair: str, target: Target, upstream: Codec) -> Request:
        """The request without what the target did not accept of it."""
        if repair == "reasoning":
            return bare(self._request())
        request, past = structs.replace(self._request(), reasoning_summary=None), self._past
        return past.restored(request, target.profile.origin(upstream.dialect)) if past else request

    def _too_long(self, body: bytes, window: int | None, report: Report) -> bool:
        """Whether the input cannot fit, which is noted. A token is never less than a byte, so that hardly any request
        needs a closer look; that is taken once."""
        if window is None or len(body) <= window:
            return False
        if self._least is None:
            self._least = self._at_least(self._payload)
        if self._least <= window:
            return False
        field = next((name for name in ("messages", "prompt") if name in self._payload), "input")
        report.refused(field, f"at least {self._least} tokens are more than its context window of {window}")
        return True

    def _request(self) -> Request:
        if self._neutral is None:
            request = self._client.parse_request(self._payload, self._checked)
            if request.max_output is None and self._bound is not None:
                request = structs.replace(request, max_output=self._bound)
            self._neutral = request
            self._custom = tuple(tool.name for tool in request.tools if tool.custom_format is not None)
            searches = request.web_search is not None and request.web_search is not False
            self._hosted = searches or "tools" in request.extra or "mcp_servers" in request.extra
        return self._neutral

    def _profile(self, target: Target) -> Profile:
        """The target's profile, knowing which tools take free text, since some dialects wrap those, and whether there
        are tools that the vendor runs."""
        profile = target.profile
        if not self._custom and not self._hosted:
            return profile
        return structs.replace(profile, custom_tools=frozenset(self._custom), hosted_tools=self._hosted)

    def answer(self, body: bytes, target: Target, context: Context) -> Answered:
        upstream = codec(target.provider.dialect)
        if upstream.dialect is self.told.dialect:
            seen = upstream.inspect_reply(body, target.profile)
            if self._past is not None and seen.finish is Finish.TOOL_CALLS and may_bind(body):
                self._keep(upstream.parse_reply(body, target.profile), upstream, target)
            return self._heard(Answered(body if seen.body is None else seen.body, seen.usage, seen.id, None, seen))
        return self._answered(upstream.parse_reply(body, self._profile(target)), target, context)

    def _answered(self, reply: Reply, target: Target, context: Context) -> Answered:
        upstream = codec(target.provider.dialect)
        pause = None
        if reply.continued is None:
            self._keep(reply, upstream, target)
        else:

            def rest(body: bytes) -> Answered:
                following = upstream.parse_reply(body, self._profile(target))
                return self._answered(joined(reply, following), target, context)

            pause = Pause(reply.continued, rest)
        return self._heard(Answered(self._told(reply, context), reply.usage, "", pause, reply))

    def _told(self, reply: Reply, context: Context) -> bytes:
        unsaid_of(reply, self._client.dialect, context.report)
        return self.told.render_reply(reply, context)

    def _heard(self, answered: Answered) -> Answered:
        if self._hearing is not None and answered.pause is None:
            self._hearing.whole(answered.body)
        return answered

    def _keep(self, reply: Reply, upstream: Codec, target: Target) -> None:
        if self._past is not None:
            self._past.keep(reply, target.profile.origin(upstream.dialect), target.profile)

    def _watched(self, pipe: Pipe, upstream: Codec, target: Target) -> Pipe:
        if self._past is None:
            return pipe
        return self._past.watched(pipe, target.profile.origin(upstream.dialect), self._profile(target))

    def pipe(self, target: Target, context: Context) -> Pipe:
        upstream = codec(target.provider.dialect)
        if upstream.dialect is self.told.dialect:
            pipe = self._watched(upstream.relay(target.profile, context), upstream, target)
        else:
            reader, writer = upstream.reader(self._profile(target)), self.told.writer(context)
            translating = Translating(reader, writer, lambda said: unsaid(said, self._client.dialect, context.report))
            pipe = self._watched(translating, upstream, target)
        return pipe if self._hearing is None else Heard(pipe, self._hearing.streamed)

    def folding(self, target: Target, context: Context, limit: int) -> Pipe:
        upstream = codec(target.provider.dialect)
        reader = upstream.reader(self._profile(target))
        folding = Folding(reader, lambda reply: self._told(reply, context), limit)
        pipe = self._watched(folding, upstream, target)
        return pipe if self._hearing is None else Heard(pipe, self._hearing.whole)


def parse_fault(target: Target, status: int, body: bytes) -> Fault:
    """What an error answer of this target means."""
    return codec(target.provider.dialect).parse_fault(status, body, target.profile)
