"""Sums in JSON's terms."""

from proxy.usage.summary import Figures, Row, Summary
from proxy.usage.telling import plain


def test_costs_are_exact_and_what_is_not_known_is_null():
    whole = Figures(requests=4, ok=1, cancelled=1, input=7, estimated=1, cost=9_007_199_254_740_993, unpriced=2)
    found = plain(Summary(("user",), (Row(("ann",), Figures()),), more=True, whole=whole), "ledger.db", 0.0, None)
    assert found["all"] == {
        "requests": 4, "ok": 1, "cancelled": 1, "success_ratio": 0.333333, "estimated": 1, "searches": None,
        "tokens": {"input": 7, "cached": None, "cache_write": None, "cache_write_1h": None, "audio_in": None,
                   "output": None, "reasoning": None, "audio_out": None},
        "cost_usd": "9007199.254740993", "unpriced": 2, "latency_ms": {"p50": None, "p95": None},
    }  # fmt: skip
    assert (found["rows"][0]["user"], found["rows"][0]["cost_usd"], found["rows"][0]["success_ratio"]) == (
        "ann",
        None,
        None,
    )
    assert (found["place"], found["since"], found["until"], found["by"], found["more"]) == (
        "ledger.db", "1970-01-01T00:00:00.000Z", None, ["user"], True,
    )  # fmt: skip
