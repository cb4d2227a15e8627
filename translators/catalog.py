"""The dialects there are, each loaded when it is first asked for: together they are a fifth of what a proxy loads, and
most serve one or two."""

from importlib import import_module
from typing import cast

from translators.codec import Codec
from translators.ir import Dialect

DIALECTS = (
    Dialect.OPENAI_CHAT,
    Dialect.OPENAI_COMPLETIONS,
    Dialect.OPENAI_RESPONSES,
    Dialect.ANTHROPIC_MESSAGES,
    Dialect.GEMINI,
)
PROVIDERS = tuple(dialect for dialect in DIALECTS if dialect is not Dialect.OPENAI_COMPLETIONS)
"""What a provider may be configured to speak: nobody has nothing but legacy completions."""


class _Codecs(dict[Dialect, Codec]):
    """A dialect's package is named as the dialect is."""

    def __missing__(self, dialect: Dialect) -> Codec:
        found = self[dialect] = cast("Codec", import_module(f"translators.{dialect.value.replace('-', '_')}"))
        return found


_CODECS = _Codecs()


def codec(dialect: Dialect) -> Codec:
    return _CODECS[dialect]
