"""What a call may be charged for beside its tokens: the tools that its provider runs by itself. Pure.

A search of the web has a price of its own at most vendors, and answers say how many there were. Other tools are charged
by the hour, the picture or the call; of those no answer tells what it came to, so nobody can say what they cost. A few
cost nothing but the tokens that they bring.

How many searches there may be is what the request allows: `max_uses` of a tool in Anthropic's words, `max_tool_calls`
of all in those of the Responses API. Neither heeds the other's word, so it counts for nothing there. Where any number
is allowed the call has no bound at all (`proxy.tokens.bound`); here such a tool stands as one search, since soft
budgets want to know its fee all the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from proxy.flow import Hosted
from proxy.tokens.bound import OURS, PLAIN, kind_of
from translators.ir import Dialect

SEARCH: Final = "web_search"
"""The beginning of the types of what searches the web."""
PREVIEW: Final = "web_search_preview"
"""Of those the ones that cost more than others at some models, and that answers tell from others in nothing."""
OPTIONS: Final = "web_search_options"
_FREE: Final = ("web_fetch", "tool_search", "mcp", "local_shell", "apply_patch", "computer", "custom")
"""Beginnings of the types of what costs nothing but tokens, or runs at the client."""


_GOOGLES_SEARCH: Final = ("googlesearch", "googlesearchretrieval")
_GOOGLES_FREE: Final = ("functiondeclarations", "urlcontext", "codeexecution", "computeruse")
"""Members of a tool of Gemini's, however they are written."""


def hosted(dialect: Dialect, fields: Mapping[str, Any], *, unasked: bool = False) -> Hosted | None:
    """What the body asks the provider to run, or its model searches `unasked`; None for nothing that is charged for."""
    tools = fields.get("tools")
    known = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    if dialect is Dialect.GEMINI:
        return _googles(known)
    own = OURS if dialect is Dialect.ANTHROPIC_MESSAGES else ()
    kinds = [(kind_of(tool), tool) for tool in known]
    some = [(kind, tool) for kind, tool in kinds if kind != PLAIN and not kind.startswith((*_FREE, *own))]
    other = next((kind for kind, _ in some if not kind.startswith(SEARCH)), "")
    if not other and (fields.get(OPTIONS) is not None or unasked):
        other = OPTIONS
    if not other and any(kind.startswith(PREVIEW) for kind, _ in some):
        other = PREVIEW
    searching = [tool for kind, tool in some if kind.startswith(SEARCH)]
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        uses = [tool.get("max_uses") for tool in searching]
    else:
        uses = [fields.get("max_tool_calls")] * len(searching)
    searches = sum(_at_most(limit) for limit in uses)
    return Hosted(searches, other) if searches or other else None


def _googles(tools: Iterable[Mapping[str, Any]]) -> Hosted | None:
    """Google's say by their members what they are, and nowhere how often."""
    members = {name.replace("_", "").lower(): name for tool in tools for name in tool}
    searches = any(name in _GOOGLES_SEARCH for name in members)
    other = next((said for name, said in members.items() if name not in (*_GOOGLES_SEARCH, *_GOOGLES_FREE)), "")
    return Hosted(int(searches), other) if searches or other else None


def _at_most(limit: Any) -> int:
    return limit if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0 else 1
