"""The tables of usage in SQLite: one of records, one of scores that people gave, and two views under names and columns
that people's own reports ask for.

The records lie in the order of their ends: what is new is added at one end, what is old goes at the other, and what is
asked for between two times lies together. So no other index is needed. A request that no model answered goes by the
model that was asked for.

Names that are not known are empty texts, as in `Record`. In the views they are NULL, and so is a quality of which
nothing is known: a score that was given goes before what the answer itself showed. Money is whole nano-dollars in the
table, and dollars in the views.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from msgspec import json

from proxy.usage.record import Record
from proxy.usage.scores import Score
from proxy.usage.signals import SIGNALS

TABLE: Final = "usage_records"
COLUMNS: Final = Record.__struct_fields__
NULLABLE: Final = (
    "input", "cached", "cache_write", "output", "reasoning", "cost", "first_token_ms", "complexity", "cache_write_1h",
    "searches", "audio_in", "audio_out",
)  # fmt: skip
PERFORMANCE: Final = "model_performance_metrics"
_WHEN: Final = " ".join(f"WHEN '{name}' THEN {score}" for name, score in SIGNALS.items())
SIGNAL_SCORE: Final = f"CASE signal {_WHEN} END"
"""What a request's own answer says of its quality."""

LATER: Final = {
    "strategy": "strategy TEXT NOT NULL DEFAULT ''",
    "experiment": "experiment TEXT NOT NULL DEFAULT ''",
    "arm": "arm TEXT NOT NULL DEFAULT ''",
    "complexity": "complexity REAL",
    "signal": "signal TEXT NOT NULL DEFAULT ''",
    "cache_write_1h": "cache_write_1h INTEGER",
    "searches": "searches INTEGER",
    "tried": "tried TEXT NOT NULL DEFAULT ''",
    "audio_in": "audio_in INTEGER",
    "audio_out": "audio_out INTEGER",
    "tier": "tier TEXT NOT NULL DEFAULT ''",
}
"""Columns that files of earlier versions lack."""
_CREATE: Final = f"""\
CREATE TABLE IF NOT EXISTS usage_records (
    id TEXT NOT NULL, at REAL NOT NULL,
    client TEXT NOT NULL, team TEXT NOT NULL, user TEXT NOT NULL, task TEXT NOT NULL, tags TEXT NOT NULL,
    asked TEXT NOT NULL, route TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, stream INTEGER NOT NULL,
    input INTEGER, cached INTEGER, cache_write INTEGER, output INTEGER, reasoning INTEGER, estimated INTEGER NOT NULL,
    cost INTEGER, attempts INTEGER NOT NULL, ms INTEGER NOT NULL, first_token_ms INTEGER,
    outcome TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
    {", ".join(LATER.values())},
    PRIMARY KEY (at, id)
) WITHOUT ROWID"""
_PERFORMANCE: Final = f"""\
CREATE VIEW IF NOT EXISTS {PERFORMANCE} AS SELECT
    CASE model WHEN '' THEN asked ELSE model END AS model_name,
    NULLIF(task, '') AS task_type,
    ms AS processing_time_ms,
    COALESCE(input, 0) + COALESCE(output, 0) AS tokens_used,
    cost / 1000000000.0 AS cost_usd,
    COALESCE(
        (SELECT score FROM usage_scores AS s WHERE s.ended = usage_records.at AND s.request = usage_records.id),
        {SIGNAL_SCORE}
    ) AS quality_score,
    outcome = 'ok' AS success,
    strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch') AS created_at
FROM usage_records"""  # noqa: S608 - made of the names above alone
_SCORES: Final = """\
CREATE TABLE IF NOT EXISTS usage_scores (
    ended REAL NOT NULL, request TEXT NOT NULL, at REAL NOT NULL, score REAL NOT NULL, label TEXT NOT NULL,
    PRIMARY KEY (ended, request)
) WITHOUT ROWID"""
_COSTS: Final = """\
CREATE VIEW IF NOT EXISTS model_cost_tracking AS SELECT
    NULLIF(user, '') AS user_id,
    date(at, 'unixepoch') AS date,
    CASE model WHEN '' THEN asked ELSE model END AS model_name,
    SUM(cost) / 1000000000.0 AS total_cost_usd,
    COUNT(*) AS generation_count,
    SUM(cost) / 1000000000.0 / COUNT(*) AS avg_cost_per_generation
FROM usage_records WHERE provider <> '' OR cost > 0 GROUP BY 1, 2, 3"""

MAKE: Final = (_CREATE, _SCORES, _PERFORMANCE, _COSTS)
FORGET: Final = (
    f"DELETE FROM {TABLE} WHERE (at, id) IN (SELECT at, id FROM {TABLE} WHERE at < ? ORDER BY at, id LIMIT ?)"  # noqa: S608 - likewise
)
PAGE: Final = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE (at, id) > (?, ?) AND at < ? ORDER BY at, id LIMIT ?"  # noqa: S608 - likewise

FIND: Final = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE id = ? AND at >= ?"  # noqa: S608 - likewise

_KEEP: Final = "INSERT OR REPLACE INTO usage_scores (ended, request, at, score, label) VALUES (?, ?, ?, ?, ?)"
INDEX: Final = "CREATE INDEX IF NOT EXISTS usage_records_id ON usage_records (id)"
FORGET_SCORES: Final = (
    "DELETE FROM usage_scores WHERE (ended, request) IN "
    "(SELECT ended, request FROM usage_scores WHERE ended < ? ORDER BY ended, request LIMIT ?)"
)
_READ: Final = (
    "SELECT request, ended, at, score, label FROM usage_scores WHERE ended >= ? AND ended < ? ORDER BY ended, request"
)

_decode = json.Decoder(dict[str, str]).decode
TAGS: Final = COLUMNS.index("tags")
FLAGS: Final = tuple(COLUMNS.index(name) for name in ("stream", "estimated"))


def record_in(row: tuple[Any, ...]) -> Record:
    """The record that a row of the table, in the order of its columns, tells."""
    values = list(row)
    values[TAGS] = _decode(values[TAGS]) if values[TAGS] else {}
    for place in FLAGS:
        values[place] = bool(values[place])
    return Record(*values)


def keep_score(database: sqlite3.Connection, score: Score) -> None:
    """Raises sqlite3.Error."""
    database.execute(_KEEP, (score.ended, score.request, score.at, score.score, score.label))


def scores_in(database: sqlite3.Connection, since: float, until: float) -> Iterator[Score]:
    """Of requests that ended in that span. Raises sqlite3.Error."""
    for row in database.execute(_READ, (since, until)):
        yield Score(*row)
