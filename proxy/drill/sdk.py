"""The demo's requests through the real openai SDK, which is not a dependency: importing this without it raises
ImportError."""

import asyncio
from collections.abc import Mapping

from openai import AsyncOpenAI, OpenAIError

from proxy.drill.load import EMBED_MODEL, MODEL, TIMEOUT_S, TOOL, Kind, Result, question


class SdkClient:
    """An unmodified SDK client but for its base URL, and for retries: none, so that each failure is seen."""

    def __init__(self, base_url: str) -> None:
        self._client = AsyncOpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=TIMEOUT_S)

    async def ask(self, kind: Kind) -> Result:
        """One request. Never raises for what the other side does."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            if kind == "stream":
                return await self._stream(started)
            text, headers = await self._unary(kind)
        except (OpenAIError, ValueError, IndexError, TypeError) as error:
            return Result(ok=False, error=str(error) or type(error).__name__, seconds=loop.time() - started)
        return Result(ok=True, text=text, status=200, headers=headers, seconds=loop.time() - started)
