"""Every recorded request in every dialect a provider may speak, every recorded answer in every dialect a client may.

`requests_in`, `answers_in` and `cuts_in` count what is as it must be, what is not and has a known reason, what is no
case of the law at all, and what is wrong.
"""

import itertools
import re
from dataclasses import dataclass, field

import orjson
from pydantic import ValidationError

from tests.recorded import exchanges as recorded
from tests.recorded.outline import neutral, of_body, of_stream
from translators.catalog import DIALECTS, PROVIDERS, codec
from translators.codec import Context
from translators.faults import Failure, Malformed, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import Dialect
from translators.pipe import Translating
from translators.profile import Profile
from translators.sse import EventSplitter

CONTEXT = Context(id="id-1", created=1_790_000_000, model="m", include_usage=True)
TARGET = Profile(provider="p", model="m", max_output=8192)
SCHEMAS = {
    Dialect.OPENAI_CHAT: ("openai", "CreateChatCompletionRequest"),
    Dialect.OPENAI_RESPONSES: ("openai", "CreateResponse"),
    Dialect.ANTHROPIC_MESSAGES: ("anthropic", "CreateMessageParams"),
    Dialect.GEMINI: ("gemini", "GenerateContentRequest"),
}

AMBIGUOUS = re.compile(r"input/\d+: \{'role'")
"""The published schema of Responses takes one message for two kinds of items, and then for none."""
NEWER = (
    (r"context_management|mcp_servers|task_budget|advisor", "a beta field, which the published schema has not"),
    (
        r"'system' is not one of|content/0/type: 'text' was expected",
        "a system message in mid-conversation, newer than the schema",
    ),
    (r"service_tier: 'on_demand'", "a tier of the client's own vendor is passed on"),
    (
        r"'(document|video)_url' is not one of",
        "a part of the client's own vendor, kept for a server of the same dialect",
    ),
)
"""What the published schemas have against a body -> why it is sent all the same."""
ANSWERS = {
    "pydantic-ai-f004d9f450": "its provider counts the same tokens as read from the cache and as written to it",
    "ai-762b8ad1e4": "a free-text call in a stream, which OpenAI sends and its SDK's type for chunks has not",
    "ai-57adf0da2a": "a recording shortened by hand, so that its whole text is not what its stream said: an error",
    "ai-9f483e4390": "calls that the provider's own code made and had answered: the answer ends as any other",
}
"""Answers of which one thing cannot agree."""


@dataclass
class Tally:
    """One cell of the table."""

    right: int = 0
    known: dict[str, list[str]] = field(default_factory=dict)
    """Reason -> ids of the exchanges that are not right, and have that reason."""
    apart: dict[str, list[str]] = field(default_factory=dict)
    """Reason -> ids of the exchanges that are no case of this law."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Id -> what is wrong."""

    @property
    def cases(self):
        return self.right + sum(map(len, self.known.values())) + len(self.wrong)

    def add(self, one, verdict):
        """`verdict` is None for right, a reason in (brackets) for no case and in [others] for a known exception, else
        what is wrong."""
        if verdict is None:
            self.right += 1
        elif verdict.startswith("("):
            self.apart.setdefault(verdict[1:-1], []).append(one["id"])
        elif verdict.startswith("["):
            self.known.setdefault(verdict[1:-1], []).append(one["id"])
        else:
            self.wrong[one["id"]] = verdict


# -- requests ----------------------------------------------------------------------------------------------------


def request_verdict(one, target):
    try:
        request = codec(one["dialect"]).parse_request(recorded.request_of(one))
    except Malformed as malformed:
        pinned = "only known to the provider" in str(malformed)
        return "(bound to an answer that its provider keeps)" if pinned else f"not read: {malformed}"
    body, _ = codec(target).render_request(request, TARGET)
    plain = orjson.loads(orjson.dumps(body))
    errors = recorded.schema_errors()
    if errors is not None:
        found = [error for error in errors(*SCHEMAS[target], plain) if not AMBIGUOUS.match(error)]
        if found:
            return known_request(one, target, found, errors) or f"against the schema: {found[0][:200]}"
    if target is Dialect.GEMINI:
        plain["model"] = "m"
    return None if codec(target).parse_request(plain).items else "nothing is left of it"


def known_request(one, target, found, errors):
    """The reason for what a schema has against a body, in brackets; None where there is none."""
    if one["dialect"] is target and errors(*SCHEMAS[target], recorded.request_of(one)):
        return "(the vendor took what its own published schema does not)"
    reasons = [next((why for sign, why in NEWER if re.search(sign, error)), None) for error in found]
    return None if None in reasons else f"[{reasons[0]}]"


def requests_in(target, dialect, *, step=1):
    tally = Tally()
    for one in [one for one in recorded.requests() if one["dialect"] is dialect][::step]:
        tally.add(one, request_verdict(one, target))
    return tally


# -- answers -----------------------------------------------------------------------------------------------------


def events_of(data, size=1 << 24):
    splitter = EventSplitter()
    return [event for at in range(0, len(data), size) for event in splitter.feed(data[at : at + size])]


def answer_verdict(one, client):
    profile, data = recorded.profile_of(one), recorded.body_of(one)
    try:
        reply = read(one["dialect"], data, profile, stream=one["sse"])
    except Failure as failure:
        return f"(its provider failed: {failure.fault.kind})"
    except Truncated:
        return "(it was cut)"
    except ProtocolFault as fault:
        return "(made in the background, not finished)" if "not finished" in str(fault) else f"not read: {fault}"
    expected = neutral(reply, client)
    if client is Dialect.OPENAI_COMPLETIONS and expected["calls"]:
        return "(a completion has no calls)"
    try:
        got = of_body(client, codec(client).render_reply(reply, CONTEXT))
        streamed = of_stream(client, told_by(one, client, profile, data)) if one["sse"] else got
    except ValidationError as error:
        return f"not taken by the SDK: {re.sub(r'[^!-~]+', ' ', str(error))[:200]}"
    for way, outline in (("whole", got), ("streamed", streamed)):
        for name, value in expected.items():
            if outline[name] != value:
                return f"{way}, {name}: {str(outline[name])[:90]} for {str(value)[:90]}"
    return None


def read(dialect, data, profile, *, stream):
    if not stream:
        return codec(dialect).parse_reply(data, profile)
    reader = codec(dialect).reader(profile)
    deltas = [delta for event in events_of(data) for delta in reader.feed(event)]
    return fold([*deltas, *reader.close()])


def told_by(one, client, profile, data):
    pipe = Translating(codec(one["dialect"]).reader(profile), codec(client).writer(CONTEXT))
    return b"".join([*(pipe.feed(event)[1] for event in events_of(data)), pipe.close()[1]])


def answers_in(client, dialect, *, step=1):
    tally = Tally()
    for one in [one for one in recorded.answers() if one["dialect"] is dialect][::step]:
        verdict = answer_verdict(one, client)
        reason = ANSWERS.get(one["id"])
        tally.add(one, f"[{reason}]" if reason and verdict and not verdict.startswith("(") else verdict)
    return tally


# -- cuts --------------------------------------------------------------------------------------------------------


def cut_verdict(one, *, byte_by_byte=True):
    """Whether a stream is the same events however its bytes are cut: in every character of more than one byte, in every
    end of a line as some servers write it, and everywhere."""
    data = recorded.body_of(one)
    whole = events_of(data)
    characters = [match.start() + 1 for match in re.finditer(rb"[\xc2-\xf4][\x80-\xbf]+", data)]
    dressed = data if b"\r\n" in data else data.replace(b"\n", b"\r\n")
    lines = [match.start() + 1 for match in re.finditer(rb"\r\n", dressed)]
    ways = {"in characters": (data, characters), "in ends of lines": (dressed, lines)}
    if byte_by_byte:
        ways["byte by byte"] = data, range(1, len(data))
    for way, (text, cuts) in ways.items():
        if _pieces(text, cuts) != whole:
            return f"other events when cut {way}"
    return None


def _pieces(data, cuts):
    splitter, edges = EventSplitter(), [0, *cuts, len(data)]
    return [event for a, b in itertools.pairwise(edges) for event in splitter.feed(data[a:b])]


def cuts_in(dialect, *, step=1):
    tally = Tally()
    for one in [one for one in recorded.answers() if one["dialect"] is dialect and one["sse"]][::step]:
        tally.add(one, cut_verdict(one, byte_by_byte=len(one["response_body"]) < 200_000))
    return tally


REQUEST_PAIRS = [(dialect, target) for dialect in DIALECTS for target in PROVIDERS]
ANSWER_PAIRS = [(dialect, client) for dialect in PROVIDERS for client in DIALECTS]
