"""The demo's requests through the real openai SDK, which is no dependency: importing this without it raises
ImportError."""

from collections.abc import Mapping
from typing import Any

from openai import AsyncOpenAI, OpenAIError

from proxy.clock import Clock
from proxy.drill.load import CLOCK, TIMEOUT_S, Kind, Result, question


class SdkClient:
    """An SDK client changed in its base URL alone, but for its retries: none, so that each failure is seen."""

    def __init__(self, base_url: str, clock: Clock = CLOCK) -> None:
        self._now = clock.now
        self._client: Any = AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=TIMEOUT_S)

    async def ask(self, kind: Kind) -> Result:
        """One request. Never raises for what the other side does."""
        started = self._now()
        try:
            if kind == "stream":
                return await self._stream(started)
            text, headers = await self._unary(kind)
        except (OpenAIError, ValueError, IndexError, TypeError) as error:
            return Result(ok=False, error=str(error) or type(error).__name__, seconds=self._now() - started)
        return Result(ok=True, text=text, status=200, headers=headers, seconds=self._now() - started)

    async def _unary(self, kind: Kind) -> tuple[str, Mapping[str, str]]:
        _, body = question(kind)
        if kind == "embeddings":
            raw = await self._client.embeddings.with_raw_response.create(model=body["model"], input=body["input"])
            return f"{len(raw.parse().data[0].embedding)} numbers", raw.headers
        raw = await self._client.chat.completions.with_raw_response.create(**body)
        choice = raw.parse().choices[0]
        if kind == "tools":
            return choice.message.tool_calls[0].function.name, raw.headers
        if choice.finish_reason != "stop":
            raise ValueError(f"finish_reason is {choice.finish_reason}")
        return choice.message.content, raw.headers

    async def _stream(self, started: float) -> Result:
        """The SDK takes a clean end without a finish for success; this does not."""
        _, body = question("stream")
        raw = await self._client.chat.completions.with_raw_response.create(**body)
        text, first, finish = "", None, None
        async for event in raw.parse():
            for choice in event.choices:
                if choice.delta.content and first is None:
                    first = self._now() - started
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
        if finish is None:
            raise ValueError("the stream ended without a finish_reason")
        return Result(
            ok=True, text=text, status=200, headers=raw.headers, seconds=self._now() - started, first_token_s=first
        )

    async def aclose(self) -> None:
        await self._client.close()
