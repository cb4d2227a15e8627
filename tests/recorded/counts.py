"""What the recorded answers say of their tokens, beside what was asked."""

from functools import cache

from msgspec import structs

from tests.recorded import exchanges as recorded
from translators.catalog import codec
from translators.faults import Failure, ProtocolFault, Truncated
from translators.ir import Used
from translators.sse import EventSplitter


def usage_of(one):
    """The counts of a recorded answer, None where it has none or is none."""
    data, profile, speaks = recorded.body_of(one), recorded.profile_of(one), codec(one["dialect"])
    try:
        if not one["sse"]:
            return speaks.parse_reply(data, profile).usage
        reader, events = speaks.reader(profile), EventSplitter().feed(data)
        found = [delta for event in events for delta in reader.feed(event) if isinstance(delta, Used)]
    except (Failure, ProtocolFault, Truncated):
        return None
    return found[-1].usage if found else None


def profile_of(one):
    """The target that was asked."""
    model = str(one["request_body"].get("model") or one["model"] or "m")
    return structs.replace(recorded.profile_of(one), vendor=one["provider"], model=model)


@cache
def counted():
    """The exchanges whose request is recorded and whose answer tells its counts: pairs of both."""
    asked = [one for one in recorded.answers() if isinstance(one["request_body"], dict)]
    return [(one, usage) for one in asked if (usage := usage_of(one)) is not None]
