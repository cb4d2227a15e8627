"""The dialects there are."""

from translators import anthropic_messages, gemini, openai_chat, openai_completions, openai_responses
from translators.codec import Codec
from translators.ir import Dialect

_CODECS: dict[Dialect, Codec] = {
    Dialect.OPENAI_CHAT: openai_chat,
    Dialect.OPENAI_COMPLETIONS: openai_completions,
    Dialect.OPENAI_RESPONSES: openai_responses,
    Dialect.ANTHROPIC_MESSAGES: anthropic_messages,
    Dialect.GEMINI: gemini,
}
DIALECTS = tuple(_CODECS)
PROVIDERS = tuple(dialect for dialect in DIALECTS if dialect is not Dialect.OPENAI_COMPLETIONS)
"""What a provider may be configured to speak: nobody has nothing but legacy completions."""


def codec(dialect: Dialect) -> Codec:
    return _CODECS[dialect]
