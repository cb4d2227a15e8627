"""What a provider says of our keys and models, asked without cost.

A key is proved by the provider's list of models. Some give that list to anyone, and some have none: there the key is
proved by a request that is refused for lack of a message, which no one bills, but only after the key was looked at.
A model is looked for in the list, then by its name alone, since lists leave out aliases.
"""

import asyncio
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from proxy.config.errors import nearest
from proxy.config.hidden import Secret
from proxy.config.values import ProviderKey
from proxy.doctor import advice
from proxy.doctor.caller import Answer, Caller, NoAnswer
from proxy.doctor.expected import Expected
from proxy.doctor.findings import Finding, bad, good, left, odd
from proxy.upstream.listings import names, path_of
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.gemini import embeddings as gemini_embeddings
from translators.ir import Dialect

DEPLOYED: Final = frozenset({"azure-openai", "azure-foundry", "anthropic-foundry"})
"""Vendors whose lists name models that could be deployed, and not those that are."""
SKEW_S: Final = 10.0
"""Clocks so far apart are told."""
SKEW_MAX_S: Final = 300.0
"""And from here on things fail: tokens and signatures are refused, certificates seem not valid."""
_ANSWERED: Final = frozenset({Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT})
"""Faults of the request: whoever finds them has accepted the key."""

_HOLLOW: Final[dict[Dialect, dict[str, Any]]] = {
    Dialect.OPENAI_CHAT: {"messages": [], "max_tokens": 1},
    Dialect.OPENAI_RESPONSES: {"input": [], "max_output_tokens": 1},
    Dialect.ANTHROPIC_MESSAGES: {"messages": [], "max_tokens": 1},
    Dialect.GEMINI: {"contents": []},
}
"""Requests that no model can be asked."""


class _Listed(Struct, frozen=True):
    """What came of asking for the list of models."""

    answer: Answer | None
    fault: Fault | None
    models: frozenset[str] | None

    @property
    def ms(self) -> float | None:
        return None if self.answer is None else self.answer.ms

    @property
    def wrong(self) -> str:
        """Why this cannot be the API's answer, whatever the key; empty where it may be."""
        answer = self.answer
        if answer is None or answer.status >= 400:
            return ""
        if 300 <= answer.status < 400:
            return f"it answered with a redirect ({answer.status}), which is never followed"
        return _page(answer) if answer.is_page else ""


class Account:
    """The checks of one provider; `keys` are its keys with their secrets, `told` the targets that the chains have."""

    def __init__(self, caller: Caller, keys: Sequence[ProviderKey], told: Sequence[Expected]) -> None:
        self._caller = caller
        self._provider = caller.provider
        self._keys = keys
        self._told = told

    async def examine(self) -> list[Finding]:
        public, *listed = await asyncio.gather(
            self._listed(None), *(self._listed(key.secret) for key in self._keys if key.secret)
        )
        usable = [key for key in self._keys if key.secret]
        pairs = list(zip(usable, listed, strict=True))
        accepted = [await self._key(key, found, public) for key, found in pairs] if pairs else [self._keyless(public)]
        best = next((found for found in listed if found.models is not None), public)
        secret = usable[0].secret if usable else None
        return [*accepted, *await self._models(best, secret), *self._clock([*listed, public])]

    async def _listed(self, secret: Secret | None) -> _Listed:
        try:
            answer = await self._caller.get(path_of(self._provider.dialect), secret)
        except NoAnswer as error:
            return _Listed(None, error.fault, None)
        return _Listed(answer, None, self._read(answer))

    def _read(self, answer: Answer) -> frozenset[str] | None:
        if answer.status != 200 or answer.is_page:
            return None
        try:
            return names(self._provider.dialect, answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    # -- keys

    def _keyless(self, public: _Listed) -> Finding:
        """A provider without keys: what it says to anyone, or to a caller whose own key is passed on."""
        name, provider = self._provider.name, self._provider
        if public.fault is not None:
            return self._failed("key", None, public.fault)
        if public.wrong:
            return self._failed("key", None, Fault(kind=Kind.PROTOCOL, message=public.wrong))
        if provider.client_key:
            return left(name, "key", "each caller brings its own; none is here to be tried")
        if public.answer is not None and public.answer.status in (401, 403):
            status = public.answer.status
            return bad(name, "key", f"it wants a key ({status})", advice.refused_key(None, status, provider))
        return good(name, "key", "none is configured, and its list of models asks for none", public.ms)

    async def _key(self, key: ProviderKey, found: _Listed, public: _Listed) -> Finding:
        if found.fault is not None:
            return self._failed("key", key, found.fault)
        if found.wrong:
            return self._failed("key", key, Fault(kind=Kind.PROTOCOL, message=found.wrong))
        if found.models is not None and public.models is None:
            return good(self._provider.name, "key", f"{key.source} is accepted", found.ms)
        return await self._hollow(key, found)

    async def _hollow(self, key: ProviderKey, found: _Listed) -> Finding:
        """Asks a model for nothing, with this key."""
        name = self._provider.name
        if not self._told:
            return left(name, "key", f"{key.source} cannot be tried: no chain has a model of {name}")
        try:
            answer = await self._nothing_asked(key.secret)
        except NoAnswer as error:
            return self._failed("key", key, error.fault)
        if answer.is_page:
            return self._failed("key", key, Fault(kind=Kind.PROTOCOL, message=_page(answer)), answer.ms)
        if answer.status < 300:
            return good(name, "key", f"{key.source} is accepted", answer.ms)
        profile = self._told[0].target.profile
        fault = codec(self._provider.dialect).parse_fault(answer.status, answer.body, profile)
        if fault.kind in _ANSWERED:
            return good(name, "key", f"{key.source} is accepted", answer.ms)
        if fault.kind is Kind.THROTTLED or (fault.kind is Kind.MISSING and found.models is not None):
            detail = f"{key.source}: {_told(fault)}"
            return odd(name, "key", detail, advice.of_fault(fault, self._provider, key), answer.ms)
        return self._failed("key", key, fault, answer.ms)

    async def _nothing_asked(self, secret: Secret | None) -> Answer:
        target = min(self._told, key=lambda one: one.embeds).target
        profile = target.profile
        dialect = self._provider.dialect
        fields: dict[str, Any]
        if all(one.embeds for one in self._told):
            google = dialect is Dialect.GEMINI
            path = gemini_embeddings.address(profile, {}) if google else profile.path("embeddings", "/embeddings")
            fields = {} if google else {"input": []}
        else:
            path, fields = codec(dialect).request_path(profile, stream=False), _HOLLOW[dialect]
        return await self._caller.post(path, secret, profile, {"model": target.model, **fields})

    def _failed(self, check: str, key: ProviderKey | None, fault: Fault, ms: float | None = None) -> Finding:
        source = f"{key.source}: " if key else ""
        return bad(self._provider.name, check, source + _told(fault), advice.of_fault(fault, self._provider, key), ms)

    # -- models

    async def _models(self, found: _Listed, secret: Secret | None) -> list[Finding]:
        name, answer = self._provider.name, found.answer
        if answer is None or found.wrong or not self._told:
            return [] if self._told else [left(name, "models", "no chain has a model of it")]
        if self._provider.vendor in DEPLOYED:
            return [left(name, "models", "it lists what could be deployed, not what is; --chat asks each target")]
        if found.models is None:
            return [left(name, "models", f"it lists none (status {answer.status}); --chat asks each target")]
        known = found.models
        listed = [one for one in self._told if one.target.model in known]
        others = [one for one in self._told if one.target.model not in known]
        there = [good(name, "models", f"has {', '.join(dict.fromkeys(one.target.model for one in listed))}")]
        return [
            *(there if listed else []),
            *await asyncio.gather(*(self._sought(one, known, secret) for one in others)),
        ]

    async def _sought(self, one: Expected, known: frozenset[str], secret: Secret | None) -> Finding:
        """A model that is not in the list."""
        name, model = self._provider.name, one.target.model
        try:
            answer = await self._caller.get(f"/models/{quote(model, safe='@')}", secret)
        except NoAnswer as error:
            return odd(name, "models", f"{model} is not listed, and could not be asked for: {error}", "Ask again.")
        if answer.status == 200 and not answer.is_page:
            return good(name, "models", f"has {model}, by another name than it lists", answer.ms)
        close = nearest(model, known).removeprefix("; did you mean ").rstrip("?")
        meant = f" (to {close}?)" if close else ""
        fix = (
            f"Correct {one.target.name} in the chain of {', '.join(one.entries)}{meant}, or have the model enabled for "
            "this key's account."
        )
        return bad(name, "models", f"has no {model} ({len(known)} models are listed)", fix, answer.ms)

    # -- time

    def _clock(self, found: Sequence[_Listed]) -> list[Finding]:
        """How far our clock is from the provider's, which tells whole seconds."""
        name = self._provider.name
        for one in found:
            if one.answer is not None and (theirs := _date(one.answer)) is not None:
                return [_skewed(name, one.answer.seen_at - theirs - 0.5)]
        return [left(name, "clock", "its answers bear no date")] if any(one.answer for one in found) else []


def _skewed(name: str, seconds: float) -> Finding:
    apart = abs(seconds)
    if apart < SKEW_S:
        return good(name, "clock", "agrees with ours")
    side = "ahead of" if seconds > 0 else "behind"
    detail = f"this machine is {apart:.0f} s {side} it"
    fix = (
        "Set this machine's clock (chronyc tracking, timedatectl); if other providers agree with it, this one is wrong."
    )
    return (bad if apart >= SKEW_MAX_S else odd)(name, "clock", detail, fix)


def _date(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.header("date")).timestamp()
    except (ValueError, OverflowError):
        return None


def _page(answer: Answer) -> str:
    return f"it answered with a web page (status {answer.status}), where an API answers with JSON"


def _told(fault: Fault) -> str:
    status = f" ({fault.status})" if fault.status and str(fault.status) not in fault.message else ""
    return f"{fault.message.rstrip('.')}{status}"
