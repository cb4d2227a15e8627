"""Every check of a configuration, all providers at once; the findings come in the configuration's order.

Within a provider a step needs those before it: a name, a connection, trust, then the keys and models, then, if asked
for, a conversation with each of its targets. What a failure left unasked is said, so that no line is missing.
"""

import asyncio
from collections.abc import Iterable, Sequence

from msgspec import structs

from proxy import tokens
from proxy.clock import Clock
from proxy.config.values import Config, Provider, ProviderKey, Token
from proxy.doctor import advice, ledger, path, talk
from proxy.doctor.account import Account
from proxy.doctor.caller import CONNECTIONS, Caller
from proxy.doctor.expected import Expected, expected
from proxy.doctor.findings import CHECK_NAMES, Finding, bad, good, left, odd
from proxy.upstream.engines import engine_for
from proxy.upstream.grants import NoToken, grant
from proxy.upstream.seam import Engine

PATIENCE_S = 10.0
"""For one look-up, handshake or answer."""
MACHINE, CONFIGURATION = "this machine", "configuration"


async def examine(
    config: Config,
    warnings: Iterable[str],
    clock: Clock,
    *,
    chat: bool = False,
    patience_s: float = PATIENCE_S,
    chat_s: float = talk.CHAT_S,
) -> list[Finding]:
    """The findings; `chat` also asks every target for an answer, which may cost."""
    told = await asyncio.to_thread(expected, config)
    checks = [
        _Visit(config, provider, told, clock, patience_s, chat_s if chat else 0.0).findings()
        for provider in config.providers.values()
    ]
    found = await asyncio.gather(*checks)
    flat = [finding for findings in found for finding in findings]
    kept = await ledger.look(config.spending, clock)
    return [*flat, await asyncio.to_thread(_vocabulary), kept, *map(_warning, warnings)]


class _Visit:
    """The checks of one provider; `chat_s` is how long a conversation may take, 0 for none."""

    def __init__(
        self,
        config: Config,
        provider: Provider,
        told: Sequence[Expected],
        clock: Clock,
        patience_s: float,
        chat_s: float,
    ) -> None:
        self._kind = config.server.engine
        self._provider = provider
        self._told = [one for one in told if one.provider == provider.name]
        self._clock = clock
        self._patience_s = patience_s
        self._chat_s = chat_s
        self._secrets: list[str] = []

    async def findings(self) -> list[Finding]:
        found = [step async for step in path.walk(self._provider, self._clock, self._patience_s)]
        if found[-1].verdict != "fail":
            found += await self._beyond()
        return [self._shown(one) for one in [*found, *self._unasked(found)]]

    def _shown(self, finding: Finding) -> Finding:
        """The finding without any of this provider's keys, should a provider have repeated one in its own words."""
        detail = finding.detail
        for secret in self._secrets:
            detail = detail.replace(secret, "***")
        return structs.replace(finding, detail=detail)

    async def _beyond(self) -> list[Finding]:
        """What can be asked of a provider that is reached."""
        tokens_had, keys = await self._tokens()
        self._secrets = [key.secret.reveal() for key in keys if key.secret]
        provider = structs.replace(self._provider, keys=keys)
        if self._provider.keys and not any(key.secret for key in keys):
            return tokens_had
        try:
            engine = await asyncio.to_thread(engine_for, self._kind, provider, connections=CONNECTIONS)
        except ValueError as error:
            return [*tokens_had, bad(provider.name, "tls", str(error), advice.no_authority(provider))]
        try:
            caller = Caller(provider, engine, self._clock, self._patience_s)
            account = await Account(caller, keys, self._told).examine()
            return [*tokens_had, *account, *await self._talks(provider, engine)]
        finally:
            await engine.close()

    async def _tokens(self) -> tuple[list[Finding], tuple[ProviderKey, ...]]:
        """The keys with their secrets, those that are tokens fetched."""
        found, keys = [], []
        for key in self._provider.keys:
            if isinstance(key.renewal, Token):
                finding, key = await self._token(key, key.renewal)  # noqa: PLW2901 - the same key, with its secret
                found.append(finding)
            keys.append(key)
        return found, tuple(keys)

    async def _token(self, key: ProviderKey, renewal: Token) -> tuple[Finding, ProviderKey]:
        began = self._clock.now()
        try:
            granted = await grant(renewal, self._provider, self._own_engine, self._clock.wall)
        except NoToken as error:
            return bad(self._provider.name, "token", f"{key.source}: {error}", advice.no_token(key)), key
        ms = round((self._clock.now() - began) * 1000, 1)
        told = f"{key.source} gave one for {granted.lifetime_s / 60:.0f} min"
        return good(self._provider.name, "token", told, ms), structs.replace(key, secret=granted.secret)

    def _own_engine(self, provider: Provider) -> Engine:
        return engine_for(self._kind, provider, connections=1)

    async def _talks(self, provider: Provider, engine: Engine) -> list[Finding]:
        if not self._chat_s:
            return []
        if provider.client_key:
            return [left(one.target.name, "chat", "each caller brings its own key") for one in self._told]
        armed = [_armed(one, provider) for one in self._told]
        found = await asyncio.gather(*(talk.talk(one, lambda _: engine, self._clock, self._chat_s) for one in armed))
        return [finding for findings in found for finding in findings]

    def _unasked(self, found: Sequence[Finding]) -> list[Finding]:
        """The checks that a failure on the way left unmade."""
        failed = next(
            (one for one in found if one.verdict == "fail" and one.check in ("dns", "tcp", "tls", "token")), None
        )
        if failed is None or any(one.check == "key" for one in found):
            return []
        here = CHECK_NAMES.index(failed.check)
        rest = [name for name in CHECK_NAMES[here + 1 : CHECK_NAMES.index("chat")] if name != "token"]
        return [left(self._provider.name, name, f"not tried, since {failed.check} failed") for name in rest]


def talks(config: Config) -> list[Expected]:
    """The targets that `chat` would ask."""
    return [one for one in expected(config) if not one.target.provider.client_key]


def _armed(one: Expected, provider: Provider) -> Expected:
    """The target with the keys that there are now."""
    target = structs.replace(one.target, provider=provider)
    return structs.replace(one, target=target, found=structs.replace(one.found, targets=(target,)))


def _vocabulary() -> Finding:
    folder, missing = tokens.missing_vocabularies()
    if not folder:
        return left(MACHINE, "tokenizer", "TIKTOKEN_CACHE_DIR is not set: inputs are bounded by their bytes")
    if not missing:
        return good(MACHINE, "tokenizer", f"every vocabulary is in {folder}")
    return bad(
        MACHINE,
        "tokenizer",
        f"{folder} lacks {', '.join(missing)}, or has it damaged",
        f"Put the whole vocabularies into {folder} under tiktoken's names, as the Dockerfile does, or unset "
        "TIKTOKEN_CACHE_DIR.",
    )


def _warning(text: str) -> Finding:
    return odd(CONFIGURATION, "settings", text, "")
