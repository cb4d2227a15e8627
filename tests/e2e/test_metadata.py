"""What an answer says of itself (`x-sidestep-metadata`) has the documented fields and types, whole or streamed."""

import re
from pathlib import Path

import orjson
import pytest

from proxy.config.selection import Levels, Selection, Strategy
from proxy.config.spending import Price, Spending
from proxy.drill.load import once
from proxy.drill.script import ok, status
from tests.e2e.process import ASKING
from translators.sse import EventSplitter

PAGE = (Path(__file__).parents[2] / "docs/selection.md").read_text("utf-8")
TYPES = {"text": str, "number": (int, float), "truth": bool, "list": list}
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| (text|number|truth|list) \| (yes|no) \| ", re.MULTILINE)
FIELDS = {
    name: (TYPES[kind], always == "yes")
    for names, kind, always in ROW.findall(PAGE)
    for name in re.findall(r"\w+", names)
}
METADATA = {"x-sidestep-metadata": "1"}


@pytest.fixture(scope="module")
async def choosing(make_world, configured):
    levels = Levels("alpha/demo-large", "duo", "claude")
    selection = Selection("s", strategies={"s": Strategy("s", levels, fallback="claude")})
    price = Price(1_000_000_000, 1_000_000_000)
    spending = Spending(prices={"alpha/demo-large": price, "beta/demo-claude": price})
    async with make_world(lambda *three: configured(*three, selection=selection, spending=spending)) as one:
        yield one


def objects(answer, *, stream):
    """Every `sidestep` of an answer, and where it stands: how many events follow."""
    if not stream:
        return [(orjson.loads(answer.body)["sidestep"], 0)]
    events = [one.data for one in EventSplitter().feed(answer.body)]
    read = [orjson.loads(one) if one.startswith(b"{") else {} for one in events]
    return [(one["sidestep"], len(read) - place - 1) for place, one in enumerate(read) if "sidestep" in one]


@pytest.mark.parametrize("model", ["auto", "duo"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ASKING)
async def test_the_metadata_is_as_documented(choosing, dialect, stream, model):
    path, body = ASKING[dialect]
    for broken in (False, True):
        choosing.reset()
        choosing.alpha.script = status(503) if broken else ok()
        answer = await once(choosing.url, path, body | {"model": model, "stream": stream}, METADATA)
        assert answer.status == 200
        [(told, after)] = objects(answer, stream=stream)
        assert after <= 2, "nothing but the end of the stream comes after it"
        assert told.keys() <= FIELDS.keys()
        assert {name for name, (_, always) in FIELDS.items() if always} <= told.keys()
        for name, value in told.items():
            kind = FIELDS[name][0]
            assert isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), (name, value)
        assert {"tokens_used", "cost_usd"} <= told.keys()
        assert ("strategy" in told, "complexity_score" in told) == (model == "auto", model == "auto")
        assert told["fallback_used"] is broken


async def test_the_table_is_read_whole():
    """Else a field that is missing there would be missed here."""
    assert len(FIELDS) == 14 and sum(always for _, always in FIELDS.values()) == 8
