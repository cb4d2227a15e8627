"""What stands between the proxy and its providers: real ones beyond, or scripted ones in their place.

An engine in front of the proxy's own, so that everything above the seam is what serves: addresses, keys, breakers and
timers. While the fault is in force, calls for its target go to a scripted provider that does nothing but the fault, on
a real socket; calls for others, and for this one before and after, go on to where they were meant to go, or, offline,
to a scripted provider of the same dialect that answers well. A scripted provider is given no key.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

import orjson
from msgspec import structs

from proxy.config.values import Provider, Target
from proxy.drill.provider import ScriptedProvider
from proxy.drill.voice import voice_of, voices_of
from proxy.upstream.engines import EngineFor
from proxy.upstream.seam import Call, Engine, Upstream

_GENERATES = "/models/"
"""What stands before the model in every path of Gemini's dialect, whoever hosts it."""
_KEPT = frozenset({"accept", "content-type", "anthropic-version"})
"""Headers that a scripted provider is told; a key stands in any of the others."""
_VERSIONS = {b"anthropic-version": "2023-06-01", b"x-goog-api-key": "offline"}
"""What scripted providers want in a header, and a host of the same dialect may want elsewhere."""


class Middle:
    """`stand_in` plays the fault for `target`. `well` are the providers that answer instead of the real ones, by name;
    without any the real ones are called."""

    def __init__(
        self,
        target: Target,
        stand_in: ScriptedProvider,
        well: Mapping[str, ScriptedProvider],
        engine_for: EngineFor,
    ) -> None:
        self.failing = False
        """Whether the fault is in force; set by who runs the exercise."""
        self.calls = 0
        """Calls that met the fault."""
        self._target = target
        self._stand_in = stand_in
        self._well = well
        self._engine_for = engine_for

    def engine_for(self, kind: Literal["native", "httpx2"], provider: Provider, *, connections: int) -> Engine:
        """What a proxy is to call `provider` through."""
        near = Provider(provider.name, provider.dialect, self._stand_in.base_url)
        return _Diverting(
            self,
            provider,
            near=self._engine_for(kind, near, connections=connections),
            real=None if self._well else self._engine_for(kind, provider, connections=connections),
        )

    def place(self, provider: Provider, call: Call) -> ScriptedProvider | None:
        """The scripted provider that gets `call`, or None when the real one does."""
        if self.failing and provider.name == self._target.provider.name and self._meant(call):
            self.calls += 1
            return self._stand_in
        return self._well[provider.name] if self._well else None

    def _meant(self, call: Call) -> bool:
        """Whether the call is for the target's model, which its body names, or its path."""
        model = _body(call).get("model")
        return model == self._target.model if isinstance(model, str) else quote(self._target.model) in call.url


class _Diverting:
    """An engine: the real one, or one that calls scripted providers."""

    def __init__(self, middle: Middle, provider: Provider, *, near: Engine, real: Engine | None) -> None:
        self._middle = middle
        self._provider = provider
        self._near = near
        self._real = real

    async def send(self, call: Call) -> Upstream:
        place = self._middle.place(self._provider, call)
        if place is not None:
            return await self._near.send(readdressed(call, self._provider, place))
        if self._real is None:
            raise RuntimeError("an offline drill has no real provider")
        return await self._real.send(call)

    async def close(self) -> None:
        await self._near.close()
        if self._real is not None:
            await self._real.close()


def readdressed(call: Call, provider: Provider, place: ScriptedProvider) -> Call:
    """`call` as `place` understands it: some hosts of a dialect have paths of their own, and keep the model there."""
    rest = call.url.removeprefix(provider.base_url)
    base = place.base_url.removeprefix(place.url)
    path, _, query = (base + rest).partition("?")
    voice = voice_of(place.dialect)
    if any(one.ears(path, query) for one in voices_of(place.dialect)):
        return structs.replace(call, url=place.base_url + rest, headers=_told(call, voice.VERSION_HEADER))
    if _GENERATES in rest and voice.PATH.endswith(_GENERATES.rstrip("/")):
        url = f"{place.url}{voice.PATH}/{rest.rpartition(_GENERATES)[2]}"
        return structs.replace(call, url=url, headers=_told(call, voice.VERSION_HEADER))
    body = orjson.dumps({"model": "drill", **_body(call)})
    return structs.replace(call, url=place.url + voice.PATH, headers=_told(call, voice.VERSION_HEADER), body=body)


def _told(call: Call, name: bytes) -> list[tuple[str, str]]:
    headers = [(one, value) for one, value in call.headers if one.lower() in _KEPT]
    if name in _VERSIONS and name.decode() not in {one.lower() for one, _ in headers}:
        headers.append((name.decode(), _VERSIONS[name]))
    return headers


def _body(call: Call) -> dict[str, object]:
    """Empty for what is no JSON object: nothing that a drill sends."""
    if not isinstance(call.body, bytes):
        return {}
    try:
        found = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
