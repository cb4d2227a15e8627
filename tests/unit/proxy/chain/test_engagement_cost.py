"""What an answer cost is told with it, once all of its calls have ended."""

import orjson
import pytest

from proxy.config.spending import Price
from translators.ir import Dialect

PRICE = Price(2_000_000_000, 10_000_000_000)
"""2 dollars in, 10 out: 3 tokens and 2 tokens are 26,000 nano-dollars."""
ASKS = {"x-sidestep-metadata": "1"}


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_a_whole_answer_says_what_it_cost(lab, name):
    """In a header always, as exact text; in the body where that was asked for, as a number."""
    lab.chain(name)
    lab.prices[name] = PRICE
    answer = lab.ask(headers=ASKS)
    assert answer.headers["x-sidestep-cost-usd"] == "0.000026"
    assert answer.json["sidestep"]["cost_usd"] == 0.000026
    assert answer.exchange.cost == 26_000


@pytest.mark.parametrize("name", ["alpha", "claude"])
def test_a_stream_says_it_at_its_end(lab, name):
    """Its head is sent before anybody knows."""
    lab.chain(name)
    lab.prices[name] = PRICE
    answer = lab.ask(stream=True, headers=ASKS)
    assert "x-sidestep-cost-usd" not in answer.headers
    *_, last, _ = answer.body.strip().split(b"\n\n")
    assert orjson.loads(last.removeprefix(b"data: "))["sidestep"]["cost_usd"] == 0.000026
    plain = lab.ask(stream=True)
    assert plain.exchange.cost == 26_000


def test_without_a_price_nothing_is_said(lab):
    lab.chain("alpha")
    answer = lab.ask(headers=ASKS)
    assert "x-sidestep-cost-usd" not in answer.headers
    assert "cost_usd" not in answer.json["sidestep"]
    assert answer.exchange.cost is None


def test_what_failed_attempts_cost_is_in_the_sum(lab):
    """Three streams that ended before their first content, but after their provider had counted the prompt."""
    claude, _ = lab.chain("claude", "alpha")
    lab.prices |= {"claude": PRICE, "alpha": PRICE}
    start = {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1000}}}
    claude.script[0] = [b"event: message_start\ndata: %b\n\n" % orjson.dumps(start)]
    answer = lab.ask(stream=True)
    assert answer.kinds == ["protocol"] * 3 + ["ok"]
    assert answer.exchange.cost == 3 * 2_000_000 + 26_000


def test_an_error_says_what_was_spent_before_it(lab):
    (claude,) = lab.chain("claude")
    lab.prices["claude"] = PRICE
    start = {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1000}}}
    cut = [b"event: message_start\ndata: %b\n\n" % orjson.dumps(start)]
    claude.script.extend([cut, cut, cut])
    claude.script.popleft()
    answer = lab.ask(stream=True)
    assert answer.status == 502
    assert answer.headers["x-sidestep-cost-usd"] == "0.006"


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_failed_answer_counted_is_in_the_sum(lab, stream):
    resp = lab.provider("resp", Dialect.OPENAI_RESPONSES)
    lab.provider("alpha")
    lab.route("m", "resp", "alpha")
    lab.prices |= {"resp": PRICE, "alpha": PRICE}
    failed = {"id": "r", "status": "failed", "output": [], "usage": {"input_tokens": 1000, "output_tokens": 0}}
    failed["error"] = {"code": "server_error", "message": "it broke"}
    event = {"type": "response.failed", "response": failed}
    said = [b"event: response.failed\ndata: %b\n\n" % orjson.dumps(event)] if stream else [orjson.dumps(failed)]
    resp.script.extend([said, said, said])
    resp.script.popleft()
    answer = lab.ask(stream=stream)
    assert set(answer.kinds[:-1]) == {"server"} and answer.kinds[-1] == "ok"
    assert answer.exchange.cost == (len(answer.kinds) - 1) * 2_000_000 + 26_000


def test_an_embedding_says_what_it_cost(lab):
    (alpha,) = lab.chain("alpha")
    lab.prices["alpha"] = Price(2_000_000_000, 0)
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    alpha.script[0] = (200, {}, {"object": "list", "data": [vector], "model": "m", "usage": {"prompt_tokens": 4}})
    assert lab.ask(route="embeddings").headers["x-sidestep-cost-usd"] == "0.000008"
