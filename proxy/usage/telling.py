"""Sums of usage in JSON's terms, as `sidestep usage --json` prints them and the admin port's `/usage` answers."""

from typing import Any

from proxy.config.spending import dollars
from proxy.usage.moments import told
from proxy.usage.summary import Figures, Summary


def plain(summary: Summary, place: str, since: float | None, until: float | None) -> dict[str, Any]:
    """Costs are exact decimal numbers of dollars, as text; what is not known is null."""
    return {
        "place": place,
        "since": None if since is None else told(since),
        "until": None if until is None else told(until),
        "by": list(summary.by),
        "rows": [{**dict(zip(summary.by, row.names, strict=True)), **_figures(row.figures)} for row in summary.rows],
        "more": summary.more,
        "all": _figures(summary.whole),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    ratio = figures.success_ratio
    return {
        "requests": figures.requests,
        "ok": figures.ok,
        "cancelled": figures.cancelled,
        "success_ratio": None if ratio is None else round(ratio, 6),
        "tokens": {
            "input": figures.input,
            "cached": figures.cached,
            "cache_write": figures.cache_write,
            "cache_write_1h": figures.cache_write_1h,
            "audio_in": figures.audio_in,
            "output": figures.output,
            "reasoning": figures.reasoning,
            "audio_out": figures.audio_out,
        },
        "searches": figures.searches,
        "estimated": figures.estimated,
        "cost_usd": None if figures.cost is None else dollars(figures.cost),
        "unpriced": figures.unpriced,
        "latency_ms": {"p50": figures.p50_ms, "p95": figures.p95_ms},
    }
