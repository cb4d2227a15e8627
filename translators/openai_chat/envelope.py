"""The envelope of a chat request: the little that must be right whatever comes later.

Model, messages as a list of known roles, and the fields this proxy itself works with (stream, n, the output bound).
Contents, tools and everything newer than this code pass unchecked.
"""

from translators.codec import Envelope
from translators.ir import MODEL_CAP, Json
from translators.openai.check import Wrong, array, boolean, fail, filled, integer, kind, obj

MESSAGES_CAP = 4096
CHOICES_CAP = 128
_OPTIONS = frozenset(("stream", "stream_options", "n", "max_completion_tokens", "max_tokens", "reasoning_effort"))
"""What else is looked at; many requests have none of it."""
ROLES = frozenset({"developer", "system", "user", "assistant", "tool", "function"})


def check_envelope(body: Json) -> Envelope:
    """Raises Malformed, naming the field."""
    try:
        return _checked(body)
    except Wrong as wrong:
        raise wrong.malformed() from None


def _checked(body: Json) -> Envelope:
    if not isinstance(body, dict):
        raise Wrong("", f"must be a JSON object, and it is {kind(body)}")
    get = body.get
    if get("model") is None:
        fail("model", "is missing", "missing_required_parameter")
    if get("messages") is None:
        fail("messages", "is missing", "missing_required_parameter")
    model = filled(get("model"), "model")
    if len(model) > MODEL_CAP:
        fail("model", f"is longer than {MODEL_CAP} characters", "string_above_max_length")
    _messages(array(body["messages"], "messages"))
    if _OPTIONS.isdisjoint(body):
        return Envelope(model, False, False)  # noqa: FBT003 - neither a stream nor its usage
    stream = get("stream")
    options = get("stream_options")
    if get("n") is not None:
        integer(body["n"], "n", 1, CHOICES_CAP)
    for name in ("max_completion_tokens", "max_tokens"):
        if get(name) is not None:
            integer(body[name], name, 1)
    streams = stream is not None and boolean(stream, "stream")
    usage = options is not None and obj(options, "stream_options").get("include_usage")
    effort = get("reasoning_effort")
    return Envelope(model, streams, bool(usage), None if effort is None else effort != "none")


def _messages(messages: list[Json]) -> None:
    if not messages:
        fail("messages", "must hold at least one message", "empty_array")
    if len(messages) > MESSAGES_CAP:
        fail("messages", f"holds more than {MESSAGES_CAP} messages", "array_above_max_length")
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            fail(f"messages[{i}]", f"must be an object, and it is {kind(message)}", "invalid_type")
        role = message.get("role")
        if not isinstance(role, str) or role not in ROLES:
            fail(f"messages[{i}].role", f"must be one of {', '.join(sorted(ROLES))}")
