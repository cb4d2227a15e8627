"""Completions in, completions out: of a request only the model, the usage option and the output bound change; of a
stream nothing but the chunk of usage alone, when the client did not ask for it."""

from collections.abc import Sequence

from translators.codec import Context
from translators.faults import Fault
from translators.ir import Delta, Event, Json
from translators.openai.text import END, error_event
from translators.openai_completions.reader import CompletionReader
from translators.profile import Profile
from translators.report import Report
from translators.sse import encode

UNFOLDED = ("echo", "best_of", "logprobs")
"""What a folded answer could not give back as the server would."""


def relay_request(body: dict[str, Json], profile: Profile, bound: int | None) -> tuple[dict[str, Json], Report]:
    """`body` must have passed `check_envelope`; it is not changed."""
    report = Report()
    out = {**body, "model": profile.model or body["model"]}
    if out.get("max_tokens") is None and bound is not None:
        out["max_tokens"] = bound
    if body.get("stream"):
        _ask_for_usage(out, profile, report)
    for name in sorted(profile.rejects & out.keys()):
        if out.pop(name) is not None:
            report.dropped(name, "the model does not take it")
    return out, report


def _ask_for_usage(out: dict[str, Json], profile: Profile, report: Report) -> None:
    options = out.pop("stream_options", None) or {}
    if profile.stream_usage:
        options = {**options, "include_usage": True}
    elif options.get("include_usage"):
        options = {name: one for name, one in options.items() if name != "include_usage"}
        report.dropped("stream_options.include_usage", "the provider does not take it")
    if options:
        out["stream_options"] = options


def as_stream(body: dict[str, Json], profile: Profile) -> dict[str, Json] | None:
    """The dialect itself never needs it."""
    if not profile.upstream_stream or any(body.get(name) is not None for name in UNFOLDED):
        return None
    out = {**body, "stream": True}
    if profile.stream_usage:
        out["stream_options"] = {"include_usage": True}
    return out


class Relay:
    """A Pipe: upstream events as they came, watched by a reader."""

    __slots__ = ("_reader", "_usage")

    def __init__(self, profile: Profile, context: Context) -> None:
        self._reader = CompletionReader(profile)
        self._usage = context.include_usage

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault as the reader does. An event that tells of a failure gives no bytes."""
        deltas = self._reader.feed(event)
        if self._reader.quiet or (self._reader.only_usage and not self._usage):
            return deltas, b""
        return deltas, encode(event.data, event.name)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """Raises Truncated."""
        return self._reader.close(), END

    def fault(self, fault: Fault) -> bytes:
        return error_event(fault)

    def shows(self, delta: Delta) -> bool:
        return delta.commits
