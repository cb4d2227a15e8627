"""How much one answer may say, as the body that asks for it bounds it, in each dialect's own fields.

Thinking is inside the bound in every dialect, since each counts it as output.
"""

from collections.abc import Mapping
from typing import Final

from translators.ir import Dialect, Json

_GEMINI: Final = Dialect.GEMINI  # a member looked up in its class costs as much as a call
_FIELDS: Final[Mapping[Dialect, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Dialect.OPENAI_CHAT: (("max_completion_tokens", "max_tokens"), ("n",)),
    Dialect.OPENAI_COMPLETIONS: (("max_tokens", "max_completion_tokens"), ("n", "best_of")),
    Dialect.OPENAI_RESPONSES: (("max_output_tokens",), ()),
    Dialect.ANTHROPIC_MESSAGES: (("max_tokens",), ()),
    Dialect.GEMINI: (("maxOutputTokens",), ("candidateCount",)),
}
"""Where the bound stands, and where the number of answers that are billed; where several stand, the largest counts."""
_SAID: Final = {
    dialect: (frozenset(bounds), frozenset(bounds + counts)) for dialect, (bounds, counts) in _FIELDS.items()
}


def output_bound(dialect: Dialect, fields: Mapping[str, Json]) -> tuple[int | None, int]:
    """The most tokens of one answer to this conversation, None where its body does not say, and how many answers there
    are to it. What is no whole number from 0 on says nothing: its provider will refuse it."""
    if dialect is _GEMINI:
        config = fields.get("generationConfig")
        fields = config if isinstance(config, dict) else {}
    bounds, said = _SAID[dialect]
    found = said.intersection(fields)
    if not found:
        return None, 1
    bound, answers = None, 1
    for name in found:
        told = fields[name]
        if type(told) is not int or told < 0:  # which no bool is
            continue
        if name in bounds:
            if bound is None or told > bound:
                bound = told
        elif told > answers:
            answers = told
    return bound, answers
