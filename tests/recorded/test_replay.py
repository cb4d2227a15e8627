"""Real traffic, recorded by us as it passes in every dialect, is played again without a difference, texts or none."""

import os
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.values import (
    Config,
    ModelRoute,
    Provider,
    RecordSettings,
    RetrySettings,
    ServerSettings,
    Step,
)
from proxy.edge.routes import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from proxy.recording.form import Call, Line
from proxy.replay import play
from proxy.replay.compare import differences
from proxy.replay.reading import read
from tests.recorded import exchanges as recorded
from translators.ir import Dialect

STEP = 61
"""Of the recorded exchanges each so many-th; they come in runs of alike."""
ASKING = {
    CHAT: (Dialect.OPENAI_CHAT, {"messages": [{"role": "user", "content": "hi"}]}),
    MESSAGES: (Dialect.ANTHROPIC_MESSAGES, {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}),
    RESPONSES: (Dialect.OPENAI_RESPONSES, {"input": "hi"}),
    COMPLETIONS: (Dialect.OPENAI_COMPLETIONS, {"prompt": "hi"}),
}
DIALECTS = [dialect.value for dialect in Dialect]
ONCE = RetrySettings(attempts_per_target=1)
PROVIDERS = {name: Provider(name, Dialect(name), f"https://{name}.test/v1", retry=ONCE) for name in DIALECTS}
CONFIG = Config(
    PROVIDERS,
    {name: ModelRoute(name, (Step(name, "m"),)) for name in DIALECTS},
    server=ServerSettings(refresh_capabilities=False),
)

if not recorded.FOLDER.is_dir():
    pytest.skip("SIDESTEP_RECORDED names no folder of recorded exchanges", allow_module_level=True)


def told_by(place, one):
    """What was recorded of a provider, as one of our calls."""
    body = one["response_body"].encode()
    sizes = [size for size in one.get("chunk_lens") or [] if size]
    sizes = sizes if sum(sizes) == len(body) else [len(body)]
    headers = {"content-type": "text/event-stream" if one["sse"] else "application/json"}
    return Call(
        id=f"{place}.1", source="", provider=one["dialect"].value, endpoint="", method="POST", url="",
        request_headers={}, request_body=None, status=one["status"], response_headers=headers,
        response_body=one["response_body"], stream=one["sse"], sse=one["sse"], chunk_lens=sizes, model="m",
        fidelity="", dialect=one["dialect"].value, sent_ms=0.0, head_ms=1.0,
        chunk_ms=[2.0 + number for number in range(len(sizes))], ended_ms=3.0 + len(sizes), end="whole",
    )  # fmt: skip


def line(place, one, route):
    """A client's request whose provider says what was recorded, an hour after the one before."""
    dialect, asking = ASKING[route]
    own = dialect is one["dialect"] and isinstance(one["request_body"], dict)
    body = (one["request_body"] if own else asking) | {"model": one["dialect"].value, "stream": one["sse"]}
    return Line(
        id=f"req_{place:024x}", source="", provider="", endpoint=route, method="POST", url=f"/v1/{route}",
        request_headers={"content-type": "application/json"}, request_body=body, status=0, response_headers={},
        response_body="", stream=one["sse"], sse=one["sse"], chunk_lens=[], model=body["model"], fidelity="",
        recording=1, at=1_800_000_000.0 + 3600 * place, clock=1_000.0, ms=0.0, attempts=[],
        calls=[told_by(place, one)],
    )  # fmt: skip


def lines():
    found = [one for one in recorded.exchanges() if one["dialect"] and one["response_body"]][::STEP]
    return [
        line(4 * place + number, one, route) for place, one in enumerate(found) for number, route in enumerate(ASKING)
    ]


@pytest.fixture
def stack(monkeypatch):
    """Builds what is played on, and records where the configuration says so."""
    monkeypatch.setattr(play, "offline", lambda config: config)
    with Path(os.devnull).open("wb", buffering=0) as nowhere:

        def built(config, clock, **more):
            app = build(config, clock, nowhere, **more)
            app._recorders.open(app._serving.recorder)
            return app

        yield built


@pytest.mark.parametrize("texts", [False, True], ids=["blanked", "texts"])
def test_what_real_providers_said_is_played_again_without_a_difference(stack, tmp_path, texts):
    asked, file = lines(), tmp_path / "exchanges.jsonl"
    settings = RecordSettings(str(file), 2**30, texts)
    done = play.played(stack, structs.replace(CONFIG, record=settings), asked)
    assert Counter(one.exchange.status for one in done)[200] > len(done) / 2
    found = read([str(file)])
    assert (len(found.lines), found.problems) == (len(asked), ())
    differing = {one.line.id: differences(one) for one in play.played(partial(stack), CONFIG, found.lines)}
    assert {name: told for name, told in differing.items() if told} == {}
