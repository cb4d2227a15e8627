"""What people say of an answer: a score for a request that was served here, and a label.

`{"request_id": "req_...", "score": 0.0 to 1.0, "label": "..."}`, the label as one likes. A client may score its own
requests alone: what is not known and what is somebody else's is the same to it. A later score of the same request takes
the place of an earlier one. What failed before any answer has nothing to be scored.

Where records are kept is looked at in a thread, for one score at a time; `WAITING` may wait for that, others are told
to come again. Nothing is kept of what is refused.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson

from proxy.clock import Clock
from proxy.config.spending import LedgerSettings
from proxy.learning.recent import Recent
from proxy.telemetry.names import INVALID_VALUE, NOT_ANSWERED, NOT_RECORDED, OVERLOADED, REQUEST_NOT_FOUND
from proxy.usage.deeds import model_of
from proxy.usage.record import OK, Record
from proxy.usage.scores import LABEL_CAP, SCORED_DAYS, Score
from proxy.usage.sink import NotKept, Unread
from proxy.usage.sources import scores_for

BODY_CAP: Final = 4096
"""Bytes of what is sent."""
ID_CAP: Final = 64
WAITING: Final = 16
DAY_S: Final = 86_400
UNTRACKED: Final = (
    "Scores are not kept here: [selection] track is false, in the configuration or by TRACK_MODEL_PERFORMANCE."
)
_FIELDS: Final = ("request_id", "score", "label")

Told = Callable[[Record, float], None]
"""Is told a request and its score, once that is kept."""


class NotTaken(Exception):
    """The score is not kept. The message is a sentence for whoever gave it."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


class Feedback:
    """Used in one running loop. `ledger` gives where records are kept now, `tracks` whether anything is learned."""

    def __init__(
        self,
        clock: Clock,
        recent: Recent,
        ledger: Callable[[], LedgerSettings],
        tracks: Callable[[], bool],
        told: Told,
    ) -> None:
        self._clock = clock
        self._recent = recent
        self._ledger = ledger
        self._tracks = tracks
        self._told = told
        self._one = asyncio.Lock()
        self._waiting = 0

    async def take(self, body: bytes, client: str | None) -> dict[str, Any]:
        """Keeps what `body` says, if `client` (None: the operator) may say it, and gives the answer in JSON's terms.
        Raises NotTaken."""
        request, score, label = read(body)
        ledger = self._ledger()
        if not self._tracks():
            raise NotTaken(409, NOT_RECORDED, UNTRACKED)
        if not scores_for(ledger):
            raise NotTaken(409, NOT_RECORDED, "Scores are not kept here: add [ledger] to the configuration.")
        if self._waiting >= WAITING:
            raise NotTaken(503, OVERLOADED, "Too many scores are given at once; send this one again in a moment.")
        self._waiting += 1
        try:
            async with self._one:
                record = await self._kept(ledger, client, request, score, label)
        finally:
            self._waiting -= 1
        self._told(record, score)
        return {"request_id": request, "score": score, "label": label, "model": model_of(record)}

    async def _kept(self, ledger: LedgerSettings, client: str | None, request: str, score: float, label: str) -> Record:
        now = self._clock.wall()
        places = scores_for(ledger)
        try:
            record = self._recent.find(request)
            if record is None:
                record = await asyncio.to_thread(places[0].find, request, now - SCORED_DAYS * DAY_S)
            if record is None or (client is not None and record.client != client):
                message = f"No request '{request}' of the last {SCORED_DAYS} days is known."
                raise NotTaken(404, REQUEST_NOT_FOUND, message, "request_id")
            if not answered(record):
                message = f"Request '{request}' had no answer that could be scored: it failed ({record.outcome})."
                raise NotTaken(409, NOT_ANSWERED, message, "request_id")
            made = Score(request, record.at, now, score, label)
            for place in places:
                await asyncio.to_thread(place.keep, made)
        except (NotKept, Unread):
            message = "The score could not be kept now; send it again in a moment."
            raise NotTaken(503, NOT_RECORDED, message) from None
        return record


def answered(record: Record) -> bool:
    """Whether there is anything to score: an answer, or what came of one before it broke off or was refused."""
    return record.outcome == OK or record.signal != "" or record.first_token_ms is not None


def read(body: bytes) -> tuple[str, float, str]:
    """Request, score and label. Raises NotTaken."""
    if len(body) > BODY_CAP:
        raise NotTaken(413, "body_too_large", f"A score is told in at most {BODY_CAP} bytes.")
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotTaken(400, "invalid_json", "The request body is not JSON.") from None
    if not isinstance(told, dict):
        raise NotTaken(400, "invalid_type", 'The request body must be an object: {"request_id": ..., "score": ...}.')
    for name in told:
        if name not in _FIELDS:
            message = f"'{name[:40]}' is not known; known: {', '.join(_FIELDS)}."
            raise NotTaken(400, "unsupported_parameter", message, name[:40])
    return _request(told), _score(told), _label(told)


def _request(told: dict[str, Any]) -> str:
    request = _present(told, "request_id")
    if isinstance(request, str) and 0 < len(request) <= ID_CAP and request.isascii() and request.isprintable():
        return request
    raise NotTaken(
        400, INVALID_VALUE, "'request_id' must be the x-request-id of an answer, such as req_....", "request_id"
    )


def _score(told: dict[str, Any]) -> float:
    score = _present(told, "score")
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
        raise NotTaken(400, INVALID_VALUE, "'score' must be a number from 0 to 1.", "score")
    return float(score)


def _label(told: dict[str, Any]) -> str:
    label = told.get("label")
    if label is None:
        return ""
    if isinstance(label, str) and len(label) <= LABEL_CAP and label.isprintable():
        return label
    message = f"'label' must be text of at most {LABEL_CAP} printable characters."
    raise NotTaken(400, INVALID_VALUE, message, "label")


def _present(told: dict[str, Any], name: str) -> Any:
    if name not in told:
        raise NotTaken(400, "missing_required_parameter", f"'{name}' is missing.", name)
    return told[name]
