"""Cache markers as Anthropic takes them."""

import pytest

from translators.anthropic_messages.caching import MARKERS_MAX
from translators.ir import Foreign, Message, Text, Tool, ToolCall, ToolResult


def mark(ttl=None):
    return {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}


def texts(count):
    return tuple(Text(str(i), mark()) for i in range(count))


@pytest.mark.parametrize(
    ("first", "path"),
    [
        ({"tools": (Tool("t", cache=mark()),)}, "tools[0].cache_control"),
        ({"items": (Message("system", (Text("a"), Text("s", mark()))),)}, "items[0].parts[1].cache_control"),
        ({"items": (ToolCall("1", "f", "{}", cache=mark()), ToolResult("1", ()))}, "items[0].cache_control"),
        ({"items": (ToolCall("1", "f", "{}"), ToolResult("1", (), cache=mark()))}, "items[1].cache_control"),
        (
            {"items": (ToolCall("1", "f", "{}"), ToolResult("1", (Text("r", mark()),)))},
            "items[1].parts[0].cache_control",
        ),
        (
            {
                "items": (
                    Message(
                        "user",
                        (Foreign("anthropic-messages", "x", {"type": "search_result", "cache_control": mark()}),),
                    ),
                )
            },
            "items[0].parts[0].cache_control",
        ),
    ],
)
def test_the_first_of_too_many_goes_and_is_named_where_the_client_put_it(render, first, path):
    items = (*first.get("items", ()), Message("user", texts(MARKERS_MAX)))
    body, report = render(*items, tools=first.get("tools", ()))
    assert report.get(path) == "dropped"
    assert str(body).count("cache_control") == MARKERS_MAX


def test_as_many_as_anthropic_takes_stay(render):
    body, report = render(Message("user", texts(MARKERS_MAX)))
    assert str(body).count("cache_control") == MARKERS_MAX
    assert report == {}


def test_the_clients_own_marker_for_all_counts_and_stays(render):
    body, report = render(Message("user", texts(MARKERS_MAX)), extra={"cache_control": mark()})
    assert body["cache_control"] == mark()
    assert ["cache_control" in block for block in body["messages"][0]["content"]] == [False, True, True, True]
    assert report == {"items[0].parts[0].cache_control": "dropped"}


@pytest.mark.parametrize(
    ("ttl", "sent", "noted"),
    [
        (None, None, {}),
        ("5m", "5m", {}),
        ("1h", "1h", {}),
        ("30m", "1h", {}),
        ("12h", "1h", {"items[0].parts[0].cache_control": "approximated"}),
    ],
)
def test_a_lifetime_is_one_of_anthropics(render, ttl, sent, noted):
    cache = mark(ttl)
    body, report = render(Message("user", (Text("a", cache),)))
    assert body["messages"][0]["content"][0]["cache_control"].get("ttl") == sent
    assert report == noted
    assert cache == mark(ttl)
