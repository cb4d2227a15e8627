"""By which of its APIs a target is asked: the one choice, for every request.

A provider is configured as a server of one dialect, but an OpenAI server may be more: some models take tools over
`/responses` alone, others still have `/completions`. The profile says so (`responses`, `completions`), and what it does
not know, the target's own refusal teaches.
"""

from collections import OrderedDict
from typing import Final, Literal

from msgspec import structs

from proxy.config.values import Target
from translators.ir import Dialect

TAUGHT_CAP = 1024
_CHAT: Final = Dialect.OPENAI_CHAT  # a member looked up in its class costs as much as a call
_COMPLETIONS: Final = Dialect.OPENAI_COMPLETIONS
_RESPONSES: Final = Dialect.OPENAI_RESPONSES

Responses = Literal["none", "available", "tools", "only"]


class Taught:
    """The targets that said, for the life of the process, that they want to be asked by `/responses`."""

    def __init__(self) -> None:
        self._targets: OrderedDict[tuple[str, str, str], Responses] = OrderedDict()

    def learn(self, target: Target, *, tools: bool) -> None:
        """`target` refused a request over chat, which had `tools` or not."""
        self._targets[target.key] = "tools" if tools and self.of(target) != "only" else "only"
        if len(self._targets) > TAUGHT_CAP:
            self._targets.popitem(last=False)

    def of(self, target: Target) -> Responses:
        """What the target takes over `/responses`, its profile and its own words together."""
        return self._targets.get(target.key, target.profile.responses)


def way(client: Dialect, target: Target, responses: Responses, *, tools: bool) -> Dialect:
    """The dialect to ask `target` in. `responses` is what it takes over `/responses`; `tools` says whether the request
    has any."""
    own = target.provider.dialect
    if own is not _CHAT:
        return own
    if client is _COMPLETIONS and target.profile.completions:
        return client
    wanted = responses == "only" or (responses == "tools" and tools)
    if wanted or (responses != "none" and client is _RESPONSES):
        return _RESPONSES
    return own


def asked_in(target: Target, dialect: Dialect) -> Target:
    """The same target as a server of `dialect`."""
    if target.provider.dialect is dialect:
        return target
    return structs.replace(target, provider=structs.replace(target.provider, dialect=dialect))
