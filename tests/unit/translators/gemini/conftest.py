"""What the tests of this dialect share: a target, a request rendered for it, and answers read."""

import orjson
import pytest

from translators import gemini
from translators.ir import Event, Message, Opaque, Request, Text
from translators.profile import Profile


@pytest.fixture
def target():
    """A profile of a current model; fields may be overridden."""

    def make(**fields):
        known = {
            "vendor": "gemini",
            "provider": "gemini",
            "model": "gemini-test",
            "image_urls": False,
            "n_max": 1,
            "stop_max": 5,
            "thinking": "level",
            "efforts": ("low", "medium", "high"),
            "call_signatures": True,
            "result_media": True,
            "rejects": frozenset({"labels"}),
        }
        return Profile(**{**known, **fields})

    return make


@pytest.fixture
def own(target):
    """A signature that the target made."""
    return Opaque("signature", "c2ln", target().origin(gemini.dialect))


@pytest.fixture
def foreign():
    return Opaque("signature", "eHh4", "anthropic-messages|p|claude|")


@pytest.fixture
def user():
    return lambda text="Hi", **fields: Message("user", (Text(text),), **fields)


@pytest.fixture
def assistant():
    return lambda text="Hello", **fields: Message("assistant", (Text(text),), **fields)


@pytest.fixture
def system():
    return lambda text="Be brief.", **fields: Message("system", (Text(text),), **fields)


@pytest.fixture
def render(target, user):
    """Renders a request; gives the body and the report as {field: verdict}."""

    def run(*items, profile=None, **fields):
        request = Request(model="gpt-4o", items=items or (user(),), **fields)
        body, report = gemini.render_request(request, profile or target())
        return body, {entry.field: entry.verdict.value for entry in report.entries}

    return run


@pytest.fixture
def answer():
    """An answer's bytes out of its parts."""

    def make(*parts, reason="STOP", usage=None, **fields):
        candidate = {"content": {"role": "model", "parts": list(parts)}, **fields}
        if reason is not None:
            candidate["finishReason"] = reason
        said = {"candidates": [candidate], "modelVersion": "gemini-test", "responseId": "Ab-1"}
        return orjson.dumps({**said, "usageMetadata": usage} if usage is not None else said)

    return make


@pytest.fixture
def deltas(target):
    """What a reader makes of the bytes of some events."""

    def run(*events, profile=None):
        reader = gemini.reader(profile or target())
        return [delta for data in events for delta in reader.feed(Event(data))]

    return run
