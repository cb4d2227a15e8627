"""Single calls to one provider, made as requests are: its engine, its dialect's headers, its own address.

An answer is bounded in size and in time, from the call to its last byte.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for
from proxy.config.values import Provider
from proxy.flow import Headers
from proxy.upstream import hygiene
from proxy.upstream.attempt import transport_fault
from proxy.upstream.seam import Call, Cut, Engine, Unreachable
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.profile import Profile

ANSWER_LIMIT = 16 * 1024 * 1024
CONNECTIONS = 16


class Answer(Struct, frozen=True):
    status: int
    headers: Headers
    body: bytes
    seen_at: float
    """Our wall clock, in Unix seconds, half-way between the call and the answer's head."""
    ms: float

    def header(self, name: str) -> str:
        return next((value for found, value in self.headers if found == name), "")

    @property
    def is_page(self) -> bool:
        """Whether a person was meant to read it: no API answers so."""
        return self.header("content-type").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


class NoAnswer(Exception):
    """`fault` says why; its message is a clause."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Caller:
    """One provider's calls, at most `patience_s` each."""

    def __init__(self, provider: Provider, engine: Engine, clock: Clock, patience_s: float) -> None:
        self.provider = provider
        self.clock = clock
        self._engine = engine
        self._patience_s = patience_s

    async def get(self, path: str, secret: Secret | None) -> Answer:
        """Raises NoAnswer."""
        return await self._asked("GET", path, secret, profile_for(self.provider, ""), None)

    async def post(self, path: str, secret: Secret | None, profile: Profile, fields: Mapping[str, Any]) -> Answer:
        """Raises NoAnswer."""
        return await self._asked("POST", path, secret, profile, fields)

    async def _asked(
        self, method: str, path: str, secret: Secret | None, profile: Profile, fields: Mapping[str, Any] | None
    ) -> Answer:
        times = self.provider.timeouts
        call = Call(
            method=method,
            url=self.provider.base_url + path,
            headers=self._headers(secret, profile, fields or {}),
            body=b"" if fields is None else orjson.dumps(fields),
            stream=False,
            connect_s=times.connect_s,
            pool_s=times.pool_s,
            write_s=times.write_s,
        )
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._answered(call)
        except TimeoutError:
            message = f"it said nothing within {self._patience_s:g} s"
            raise NoAnswer(Fault(kind=Kind.TIMEOUT, message=message)) from None
        except (Unreachable, Cut) as error:
            raise NoAnswer(transport_fault(error, 0)) from None

    async def _answered(self, call: Call) -> Answer:
        clock = self.clock
        began, began_wall = clock.now(), clock.wall()
        upstream = await self._engine.send(call)
        try:
            seen_at = (began_wall + clock.wall()) / 2
            body = await upstream.read(ANSWER_LIMIT)
        finally:
            await upstream.close()
        return Answer(upstream.status, upstream.headers, body, seen_at, round((clock.now() - began) * 1000, 1))

    def _headers(self, secret: Secret | None, profile: Profile, fields: Mapping[str, Any]) -> Headers:
        provider = self.provider
        key = secret.reveal() if secret else ""
        own = codec(provider.dialect).request_headers(key, profile, fields)
        return list(hygiene.request_headers(own, provider.headers, {}))
