"""The most input tokens that a call can be billed for: true rather than close.

A token is never less than a byte of text, and text is never shorter in JSON, so the body's own bytes bound what it
says; what frames a message, a tool or the conversation costs at most the constants below. Then:

- an image costs at most PER_IMAGE, wherever it lies; its own bytes say nothing and do not count;
- sound is never less than a byte for a token, however it is compressed;
- what is not in the request (a file by its id or address, an earlier answer, what is cached, what a model finds that
  searches by itself) and what is packed (a document, a film) may fill the context window, which no input exceeds;
- tools that the provider runs by itself read the input anew with every use: as many windows as there may be uses, and
  UNBOUND where nobody says how many. Whoever must not overspend has to refuse those.

The calls that go on with an answer which its provider paused are not in it: each has a bound of its own.

What is known to be text is listed, and everything else counts as unseen: a part that the next version of some API
brings must not be free. Most bodies hold no parts at all, which a search of their bytes tells, and are not walked.
(`find` tells it sooner than `in`, which first takes what it looks for as a number, and drops the exception.)
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from translators.ir import Dialect
from translators.profile import Profile

PER_REQUEST: Final = 512
"""What frames a conversation: a vendor's own instructions, the date, what primes the answer."""
PER_MESSAGE: Final = 16
"""Role, name and separators of one message, or of one input of embeddings."""
PER_TOOLS: Final = 1024
"""The instructions a vendor adds once when there are tools, or a schema of the answer."""
PER_TYPED_TOOL: Final = 2048
"""A tool that the client runs and the vendor describes (a shell, an editor, a computer)."""
PER_IMAGE: Final = 50_000
"""The dearest image: eight tiles where a tile costs 5,667 tokens, and its base."""
UNSEEN: Final = 1 << 40
"""A context window that nobody knows: none is as large."""
UNBOUND: Final = 1 << 50
"""Calls whose input has no bound."""
DEPTH_MAX: Final = 16
"""Of parts within parts."""
USES_MAX: Final = 1000
"""More uses of a provider's own tools than this are no bound."""

PLAIN: Final = "function"
"""The type of a tool that the client runs, which need not be said."""

Fields = Mapping[str, Any]


class _Sum:
    """What is found in a body: tokens beside its bytes, and whether something of unknown size is there."""

    __slots__ = ("tokens", "unseen", "uses")

    def __init__(self) -> None:
        self.tokens = PER_REQUEST
        self.unseen = False
        self.uses = 0
        """Of tools that the provider runs; -1: nobody knows how many."""

    def image(self, data: Any) -> None:
        self.tokens += PER_IMAGE - (len(data) if isinstance(data, str) else 0)


def worst_input(body: bytes, fields: Fields, dialect: Dialect, profile: Profile) -> int:
    """At most this many input tokens are billed for a call with this body, made of `fields` for a target with this
    profile; for conversations and embeddings of any dialect. UNSEEN or more where nothing bounds them."""
    beside = _BESIDE.get(dialect)
    if (
        beside is not None
        and beside.isdisjoint(fields)
        and body.find(b'"content":[') < 0
        and body.find(b'"audio":') < 0
        and fields.get("messages") is not None
    ):
        if profile.vendor not in _AGENTS and not searches_unasked(profile):
            most = len(body) + PER_REQUEST + PER_MESSAGE * body.count(b'"role":')
            window = profile.context_window
            return most if not window or most < window else window
        tokens, unseen, uses = PER_REQUEST + PER_MESSAGE * body.count(b'"role":'), False, 0
    else:
        found = _Sum()
        _LOOKS[dialect](body, fields, found)
        tokens, unseen, uses = found.tokens, found.unseen, found.uses
    agents = _AGENTS.get(profile.vendor)
    if uses < 0 or (agents is not None and profile.model.startswith(agents)):
        return UNBOUND
    window = profile.context_window or UNSEEN
    most = window if unseen or searches_unasked(profile) else min(len(body) + tokens, window)
    return window * (uses + 1) if uses else most


def searches_unasked(profile: Profile) -> bool:
    """Whether the model searches the web in every call, asked or not: it reads what it finds, which may fill its
    window. A deployment that bears a name of its own is known by its lineage."""
    model, lineage = profile.model, profile.lineage
    if "-search-preview" in model or "-search-api" in model or ":online" in model:
        return True
    return lineage != "" and ("-search-preview" in lineage or "-search-api" in lineage)


def kind_of(tool: Mapping[str, Any]) -> str:
    """The type of a tool in OpenAI's or Anthropic's words. What has none is a function; but what is called no function
    either is another vendor's, as Google's are: by its first member."""
    kind = tool.get("type")
    if kind is None and tool and tool.keys().isdisjoint(_OF_FUNCTIONS):
        return next(iter(tool))
    return str(kind or PLAIN)


_OF_FUNCTIONS: Final = frozenset(("function", "name"))


_BESIDE: Final[Mapping[Dialect, frozenset[str]]] = {
    Dialect.OPENAI_CHAT: frozenset(
        ("tools", "functions", "response_format", "web_search_options", "plugins", "search_parameters", "models")
    ),
    Dialect.ANTHROPIC_MESSAGES: frozenset(
        ("tools", "system", "output_config", "output_format", "mcp_servers", "container")
    ),
}
"""What is looked at beside messages; a body without any of it, and without parts, need not be walked."""
_AGENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "groq": ("compound", "groq/compound"),
    "openrouter": ("perplexity/", "openrouter/"),
}
"""Models that search or ask others by themselves."""
_SHOWN: Final = frozenset({"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal"})


# -- OpenAI's ------------------------------------------------------------------------------------------------------


def _chat(body: bytes, fields: Fields, found: _Sum) -> None:
    get = fields.get
    messages = get("messages")
    if messages is None:
        _inputs(get("input"), found)
        return
    found.tokens += PER_MESSAGE * body.count(b'"role":')
    if b'"content":[' in body or b'"audio":' in body:
        for message in _dicts(messages, found):
            if isinstance(message.get("content"), list):
                _parts(message["content"], found)
            found.unseen |= message.get("audio") is not None
    _openai_tools(get("tools"), found)
    if get("functions") is not None or get("response_format") is not None:
        found.tokens += PER_TOOLS
    if get("web_search_options") is not None:
        found.unseen = True
    if get("plugins") or get("search_parameters") or get("models"):
        found.uses = -1


def _inputs(value: Any, found: _Sum) -> None:
    """Of embeddings: a text, texts, tokens, or lists of tokens. An object among them is no text."""
    if isinstance(value, list):
        found.tokens += PER_MESSAGE * len(value)
        found.unseen |= any(isinstance(one, dict) for one in value)


def _parts(parts: Any, found: _Sum, depth: int = 0) -> None:
    for part in _nested(parts, found, depth):
        kind = _kind(part)
        if kind in _SHOWN:
            continue
        if kind in ("image_url", "input_image"):
            url = part.get("image_url")
            found.image(url.get("url") if isinstance(url, dict) else url)
        elif kind == "thinking":
            _parts(part.get("thinking"), found, depth + 1)
        elif kind != "input_audio":
            found.unseen = True


def _openai_tools(tools: Any, found: _Sum, limit: Any = None) -> None:
    if not tools:
        return
    found.tokens += PER_TOOLS
    for tool in _dicts(tools, found):
        if kind_of(tool) not in (PLAIN, "custom"):
            _used(limit, found)


def _completions(body: bytes, fields: Fields, found: _Sum) -> None:  # noqa: ARG001 - the shape of all looks
    prompt = fields.get("prompt")
    found.tokens += PER_MESSAGE * (len(prompt) if isinstance(prompt, list) else 1)


_OF_CALLS: Final = frozenset({"function_call", "custom_tool_call", "reasoning"})
_RESULTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
_ELSEWHERE: Final = ("previous_response_id", "conversation", "context_management")


def _responses(body: bytes, fields: Fields, found: _Sum) -> None:  # noqa: ARG001 - the shape of all looks
    said = fields.get("input")
    if isinstance(said, list):
        found.tokens += PER_MESSAGE * len(said)
        if said and not isinstance(said[0], dict):
            return  # embeddings
        for item in _dicts(said, found):
            _item(item, found)
    if fields.get("text") is not None:
        found.tokens += PER_TOOLS
    _openai_tools(fields.get("tools"), found, fields.get("max_tool_calls"))
    reasoning = fields.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("mode") not in (None, "standard"):
        found.uses = -1  # it thinks several times over, each with the whole input
    if fields.get("prompt") is not None:
        found.uses = -1  # kept by the provider, who may keep tools of its own with it
    found.unseen |= any(fields.get(name) is not None for name in _ELSEWHERE)


def _item(item: Fields, found: _Sum) -> None:
    kind = _kind(item, "message")
    if kind == "message":
        content = item.get("content")
    elif kind in _RESULTS:
        content = item.get("output")
    elif kind in _OF_CALLS:
        return
    else:
        found.unseen = True
        return
    if isinstance(content, list):
        _parts(content, found)


# -- Anthropic's ---------------------------------------------------------------------------------------------------

_PLAIN_BLOCKS: Final = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})
OURS: Final = ("bash_", "text_editor_", "computer_", "memory_")
"""Beginnings of the types of tools that the client runs."""


def _messages(body: bytes, fields: Fields, found: _Sum) -> None:
    get = fields.get
    found.tokens += PER_MESSAGE * body.count(b'"role":')
    if b'"content":[' in body:
        for message in _dicts(get("messages"), found):
            _blocks(message.get("content"), found)
    _blocks(get("system"), found)
    _anthropic_tools(get("tools"), found)
    if get("output_config") is not None or get("output_format") is not None:
        found.tokens += PER_TOOLS
    if get("mcp_servers"):
        found.uses = -1
    found.unseen |= get("container") is not None


def _blocks(content: Any, found: _Sum, depth: int = 0) -> None:
    for block in _nested(content, found, depth):
        kind = _kind(block)
        if kind in _PLAIN_BLOCKS:
            continue
        source = block.get("source")
        source = source if isinstance(source, dict) else {}
        if kind == "image":
            found.image(source.get("data"))
        elif kind in ("tool_result", "search_result"):
            _blocks(block.get("content"), found, depth + 1)
        elif kind == "document" and source.get("type") == "content":
            _blocks(source.get("content"), found, depth + 1)
        elif kind != "document" or source.get("type") != "text":
            found.unseen = True


def _anthropic_tools(tools: Any, found: _Sum) -> None:
    if not tools:
        return
    found.tokens += PER_TOOLS
    for tool in _dicts(tools, found):
        kind = tool.get("type") or "custom"
        if isinstance(kind, str) and kind.startswith(OURS):
            found.tokens += PER_TYPED_TOOL
        elif kind != "custom":
            _used(tool.get("max_uses"), found)


# -- Gemini's ------------------------------------------------------------------------------------------------------

_PLAIN_PARTS: Final = frozenset(
    ("text", "thought", "thoughtSignature", "functionCall", "functionResponse", "partMetadata", "executableCode")
)


def _gemini(body: bytes, fields: Fields, found: _Sum) -> None:
    get = fields.get
    contents = get("contents")
    if contents is None:
        contents = _gemini_inputs(fields, found)
    for content in _dicts(contents, found):
        found.tokens += PER_MESSAGE
        _gemini_parts(content.get("parts"), found)
    system = get("systemInstruction")
    if isinstance(system, dict):
        _gemini_parts(system.get("parts"), found)
    if get("generationConfig") is not None and b'chema":' in body:
        found.tokens += PER_TOOLS
    for tool in _dicts(get("tools"), found):
        found.tokens += PER_TOOLS
        if tool.keys() - {"functionDeclarations"}:
            found.uses = -1
    found.unseen |= get("cachedContent") is not None


def _gemini_inputs(fields: Fields, found: _Sum) -> Any:
    """The contents of embeddings; instances are plain texts."""
    asked, instances = fields.get("requests"), fields.get("instances")
    if isinstance(instances, list):
        found.tokens += PER_MESSAGE * len(instances)
        found.unseen |= not all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in instances)
        return []
    if isinstance(asked, list):
        return [one.get("content") for one in asked if isinstance(one, dict)]
    return [fields.get("content") or {}]


def _gemini_parts(parts: Any, found: _Sum, depth: int = 0) -> None:
    for part in _nested(parts, found, depth):
        if part.keys() <= _PLAIN_PARTS:
            result = part.get("functionResponse")
            if isinstance(result, dict) and result.get("parts"):
                _gemini_parts(result["parts"], found, depth + 1)
            continue
        data = part.get("inlineData")
        data = data if isinstance(data, dict) else {}
        kind = str(data.get("mimeType"))
        if kind.startswith("image/"):
            found.image(data.get("data"))
        elif not kind.startswith("audio/"):
            found.unseen = True


# -- all -----------------------------------------------------------------------------------------------------------


def _dicts(values: Any, found: _Sum) -> Iterable[Fields]:
    """Every object of a list; what is no object there is a part that nobody knows."""
    if values is None or not isinstance(values, list):
        return ()
    good = [value for value in values if isinstance(value, dict)]
    found.unseen |= len(good) < len(values)
    return good


def _nested(values: Any, found: _Sum, depth: int) -> Iterable[Fields]:
    """The same of what may hold more of its kind; deeper than anybody nests, nobody looks."""
    if depth <= DEPTH_MAX:
        return _dicts(values, found)
    found.unseen = True
    return ()


def _kind(value: Fields, usual: str = "") -> str:
    """Its `type`; empty for one that is no text, which is a kind that nobody knows."""
    kind = value.get("type", usual)
    return kind if isinstance(kind, str) else ""


def _used(limit: Any, found: _Sum) -> None:
    """A tool of the provider's own, used at most `limit` times."""
    known = isinstance(limit, int) and not isinstance(limit, bool) and 0 <= limit <= USES_MAX
    found.uses = found.uses + limit if known and found.uses >= 0 else -1


_LOOKS: Final = {
    Dialect.OPENAI_CHAT: _chat,
    Dialect.OPENAI_COMPLETIONS: _completions,
    Dialect.OPENAI_RESPONSES: _responses,
    Dialect.ANTHROPIC_MESSAGES: _messages,
    Dialect.GEMINI: _gemini,
}
