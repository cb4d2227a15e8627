"""Counts a conversation's input where no provider does: about, or exactly where the configuration wants it so.

Exactly is by OpenAI's vocabularies, and so for the models that these are public of; a conversation for another one is
estimated. A vocabulary is loaded in a thread when it is first wanted, which is at the start for the newest, and until
it is there counts are estimates. Long texts are counted in a thread too, so that nobody else waits for them.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from proxy.config.spending import TokenSettings
from proxy.tokens import vocabulary
from proxy.tokens.estimated import estimate, parts
from translators.ir import Request

if TYPE_CHECKING:
    import tiktoken

NEWEST: Final = "o200k_base"
SHORT: Final = 4096
"""Characters that are counted at once, in about a millisecond."""
PIECE: Final = 65_536
"""Characters that are counted at a time: a text without blanks takes longer than its length."""


class Counter:
    """For all generations of a configuration. `lacking` is told of a vocabulary that is not at hand."""

    def __init__(self, lacking: Callable[[str], None]) -> None:
        self._lacking = lacking
        self._exact = False
        self._loaded: dict[str, tiktoken.Encoding | None] = {}
        """By name; None for one that is being loaded, or not at hand."""
        self._loading: set[asyncio.Task[None]] = set()

    def follow(self, settings: TokenSettings) -> None:
        """Counts so from now on."""
        self._exact = settings.count == "tiktoken"
        if self._exact:
            self._want(NEWEST)

    async def count(self, request: Request, model: str) -> int:
        """Input tokens of a conversation for `model`."""
        encoding = self._encoding(model)
        if encoding is None:
            return estimate(request)
        words, beside = parts(request)
        if sum(map(len, words)) <= SHORT:
            return beside + _counted(encoding, words)
        return beside + await asyncio.to_thread(_counted, encoding, words)

    async def ready(self) -> None:
        """Returns once what is being loaded is loaded."""
        await asyncio.gather(*self._loading)

    async def close(self) -> None:
        for task in self._loading:
            task.cancel()
        await asyncio.gather(*self._loading, return_exceptions=True)

    def _encoding(self, model: str) -> "tiktoken.Encoding | None":
        if not self._exact or self._loaded.get(NEWEST) is None:
            return None
        name = vocabulary.name_for(model)
        if name is None:
            return None
        self._want(name)
        return self._loaded[name]

    def _want(self, name: str) -> None:
        if name in self._loaded:
            return
        self._loaded[name] = None
        task = asyncio.create_task(self._load(name))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def _load(self, name: str) -> None:
        found = self._loaded[name] = await asyncio.to_thread(vocabulary.load, name)
        if found is None:
            self._lacking(name)


def _counted(encoding: "tiktoken.Encoding", words: Sequence[str]) -> int:
    pieces = (text[at : at + PIECE] for text in words for at in range(0, len(text), PIECE))
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces)
