"""Who made which answer of `/responses`, so that a request that goes on from one is asked where it is kept.

A provider keeps its own answers for a while and nobody else has them: `previous_response_id`, `conversation` and what
else names stored things is a request to one provider, and never fails over. An entry is found only by the client whose
answer it was. The store is bounded in number and in time; what it no longer knows is no loss where the chain has one
provider alone that could have made it.
"""

from collections import OrderedDict
from collections.abc import Sequence

from proxy.config.values import Target
from translators.faults import Malformed

TTL_S = 86_400.0
ENTRIES_CAP = 32_768
ID_CAP = 128
"""Characters of an id worth keeping."""


class Pins:
    """Answers' ids and their makers, by client. A maker is a provider's name, empty where nobody keeps the answer."""

    def __init__(self) -> None:
        self._makers: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def remember(self, client: str, answer: str, maker: str, now: float) -> None:
        """`now` in seconds of any clock, the same for every call."""
        if not answer or len(answer) > ID_CAP:
            return
        self._makers[client, answer] = maker, now + TTL_S
        self._makers.move_to_end((client, answer))
        if len(self._makers) > ENTRIES_CAP:
            self._makers.popitem(last=False)

    def maker(self, client: str, answer: str, now: float) -> str | None:
        """None for an answer that is not known."""
        maker, until = self._makers.get((client, answer), (None, 0.0))
        return maker if now < until else None


def keeper(keepers: Sequence[Target], maker: str | None, field: str) -> Target:
    """The one target to ask. `keepers` are those of the chain that keep answers, `maker` who made the one that `field`
    names, None when that is not known.

    Raises Malformed where it cannot be told, or nobody keeps it.
    """
    if maker == "":
        raise _not_kept(field, "was translated for another provider, and nobody keeps it")
    if maker is not None:
        keepers = [target for target in keepers if target.provider.name == maker]
        if not keepers:
            raise _not_kept(field, f"is kept by {maker}, which this model does not have")
    names = sorted({target.provider.name for target in keepers})
    if not names:
        raise _not_kept(field, "can only be answered by a provider that keeps answers, and this model has none")
    if len(names) > 1:
        raise _not_kept(field, f"may be kept by {' or '.join(names)}, and this proxy does not know by which")
    return keepers[0]


def _not_kept(field: str, problem: str) -> Malformed:
    message = f"What '{field}' asks for {problem}; send the whole conversation as 'input' instead."
    return Malformed(message, param=field, code="invalid_value")
