"""Signatures in a relayed request: each goes to its maker only, whoever else the conversation has been with.

A Gemini client keeps its parts whole, and with them the mark that names a signature's maker. What bears another's mark,
or is known to be another's, loses its signature; on models that demand one, the first call of such a step gets the word
Google takes for calls it did not make. What has no mark and is nobody's known is the client's own affair.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from translators.gemini.wire import DIALECT, SKIP_SIGNATURE, camel, mark_of, unmarked
from translators.ir import Json
from translators.profile import Profile
from translators.remember import Called, Turn
from translators.report import Report

Body = dict[str, Json]
Part = dict[str, Any]


def own(body: Body, profile: Profile, report: Report) -> Body:
    """The body with its marks taken off, and without the signatures that are marked as another's."""
    origin = profile.origin(DIALECT)

    def change(_: int, parts: list[Part]) -> list[Part]:
        if not any(mark_of(part) for part in parts):
            return parts
        foreign = [mark_of(part) not in ("", origin) for part in parts]
        if any(foreign):
            _note(report)
        plain = [_bare(unmarked(part)) if drop else unmarked(part) for part, drop in zip(parts, foreign, strict=True)]
        return _spoken_for(plain, profile) if any(foreign) else plain

    return _changed(body, change)


def replayed(body: Body, turns: Sequence[Turn | None], profile: Profile, report: Report) -> Body:
    """The body with the signatures of calls that this target made and the client dropped, and without those that
    another one is known to have made: `turns` are those of its contents with calls, in order."""
    contents = body.get("contents")
    places = [at for at, one in enumerate(contents if isinstance(contents, list) else ()) if _calls(_parts(one))]
    if len(places) != len(turns):
        return body
    known = {at: turn for at, turn in zip(places, turns, strict=True) if turn is not None}
    origin = profile.origin(DIALECT)

    def change(at: int, parts: list[Part]) -> list[Part]:
        turn = known.get(at)
        if turn is None:
            return parts
        if turn.origin == origin:
            return _signed(parts, turn)
        if any("thoughtSignature" in part and not mark_of(part) for part in parts):
            _note(report)
        return _spoken_for([part if mark_of(part) else _bare(part) for part in parts], profile)

    return _changed(body, change)


def unbound(body: Body, profile: Profile) -> Body | None:
    """The body without any signature but Google's word for one, which every first call gets: a model that speaks of
    signatures demands them, whatever was known of it. None where that changes nothing."""
    demanding = structs.replace(profile, call_signatures=True)

    def change(_: int, parts: list[Part]) -> list[Part]:
        bare = _spoken_for([_bare(part) for part in parts], demanding)
        return parts if bare == parts else bare

    out = _changed(body, change)
    return None if out is body else out


def _note(report: Report) -> None:
    """Says once that a signature is left out."""
    if not report.entries:
        report.dropped("contents.thoughtSignature", "it is bound to the model that wrote it")


def _changed(body: Body, change: Callable[[int, list[Part]], list[Part]]) -> Body:
    """The body with the parts of its model's contents changed; the body itself where none is."""
    old = body.get("contents")
    contents = list(old) if isinstance(old, list) else []
    changed = False
    for at, content in enumerate(contents):
        parts = _parts(content)
        new = change(at, parts) if parts else parts
        if new is not parts:
            contents[at] = {**content, "parts": new}
            changed = True
    return {**body, "contents": contents} if changed else body


def _parts(content: Json) -> list[Part]:
    """The parts of a content of the model's; none of what is no such thing."""
    parts = content.get("parts") if isinstance(content, dict) and content.get("role") == "model" else None
    known = isinstance(parts, list) and all(isinstance(part, dict) for part in parts)
    return [camel(part) for part in parts] if known and isinstance(parts, list) else []


def _calls(parts: list[Part]) -> list[Part]:
    return [part for part in parts if "functionCall" in part]


def _bare(part: Part) -> Part:
    return {name: value for name, value in part.items() if name != "thoughtSignature"}


def _spoken_for(parts: list[Part], profile: Profile) -> list[Part]:
    """The parts with Google's word for a signature on the first call, where the model demands one."""
    calls = _calls(parts)
    if calls and profile.call_signatures:
        calls[0].setdefault("thoughtSignature", SKIP_SIGNATURE)
    return parts


def _signed(parts: list[Part], turn: Turn) -> list[Part]:
    """The parts with the signatures their calls were given."""
    given = iter([step.opaque for step in turn.steps if isinstance(step, Called)])
    out: list[Part] = []
    for part in parts:
        opaque = next(given, None) if "functionCall" in part else None
        missing = opaque is not None and "thoughtSignature" not in part
        out.append({**part, "thoughtSignature": opaque.data} if missing and opaque is not None else part)
    return out if out != parts else parts
