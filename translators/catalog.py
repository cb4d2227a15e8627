"""The dialects there are."""

from translators import anthropic_messages, openai_chat
from translators.codec import Codec
from translators.ir import Dialect

_CODECS: dict[Dialect, Codec] = {
    Dialect.OPENAI_CHAT: openai_chat,
    Dialect.ANTHROPIC_MESSAGES: anthropic_messages,
}


def codec(dialect: Dialect) -> Codec:
    return _CODECS[dialect]
