"""A score is kept for a request of whoever gives it, and of what is refused nothing is."""

import asyncio

import orjson
import pytest

from proxy.config.spending import LedgerSettings
from proxy.learning import feedback as learning
from proxy.learning.feedback import BODY_CAP, Feedback, NotTaken, read
from proxy.learning.recent import Recent
from proxy.usage.scores import LABEL_CAP, SCORED_DAYS
from proxy.usage.sqlite import SqliteSink, SqliteSource

GOOD = {"request_id": "req_0001", "score": 0.5, "label": "kind"}


class Scene:
    def __init__(self, path, clock):
        self.path, self.tracks, self.told, self.recent = str(path), True, [], Recent()
        self.ledger = LedgerSettings(url=f"sqlite:///{path}")
        self.feedback = Feedback(
            clock, self.recent, lambda: self.ledger, lambda: self.tracks, lambda *told: self.told.append(told)
        )

    async def give(self, client="web", **fields):
        return await self.feedback.take(orjson.dumps(GOOD | fields), client)

    async def refused(self, client="web", **fields):
        with pytest.raises(NotTaken) as caught:
            await self.give(client, **fields)
        return caught.value.status, caught.value.code

    async def kept(self):
        source = SqliteSource(self.path)
        scores = await asyncio.to_thread(lambda: list(source.scores(None, None)))
        return [(one.request, one.score, one.label) for one in scores]


@pytest.fixture
def scene(tmp_path, clock, record):
    made = Scene(tmp_path / "ledger.db", clock)
    sink = SqliteSink(made.path)
    sink.write([record(1), record(2, client="other"), record(3, at=clock.wall() - SCORED_DAYS * 86_400 - 1)])
    sink.close()
    return made


async def test_a_score_of_a_request_of_ones_own_is_kept(scene, record):
    assert await scene.give() == GOOD | {"model": "large"}
    assert await scene.kept() == [("req_0001", 0.5, "kind")]
    assert scene.told == [(record(1), 0.5)]


async def test_a_request_whose_record_is_not_written_yet_can_be_scored(scene, record):
    scene.recent.note(record(9))
    await scene.give(request_id="req_0009", score=1)
    assert await scene.kept() == [("req_0009", 1.0, "kind")]


async def test_what_is_unknown_too_old_or_somebody_elses_is_the_same(scene, record):
    scene.recent.note(record(8, client=""))
    for request in ("req_0404", "req_0002", "req_0003", "req_0008"):
        assert await scene.refused(request_id=request) == (404, "request_not_found")
    assert await scene.refused(client="", request_id="req_0001") == (404, "request_not_found")
    assert (await scene.kept(), scene.told) == ([], [])


@pytest.mark.parametrize(
    ("fields", "scored"),
    [
        ({"outcome": "server", "signal": ""}, False),
        ({"outcome": "refused", "signal": "", "provider": "", "attempts": 0}, False),
        ({"outcome": "content", "signal": "refusal"}, True),
        ({"outcome": "server", "signal": "cut", "first_token_ms": 20}, True),
        ({"outcome": "cancelled", "signal": "", "first_token_ms": 20}, True),
    ],
)
async def test_what_failed_before_any_answer_cannot_be_scored(scene, record, fields, scored):
    scene.recent.note(record(7, **fields))
    if scored:
        await scene.give(request_id="req_0007")
    else:
        assert await scene.refused(request_id="req_0007") == (409, "not_answered")
    assert (len(await scene.kept()), len(scene.told)) == (scored, scored)


async def test_the_operator_may_score_anybodys(scene):
    await scene.give(client=None, request_id="req_0002")
    assert await scene.kept() == [("req_0002", 0.5, "kind")]


async def test_a_later_score_takes_the_place_of_an_earlier_one(scene):
    await scene.give()
    await scene.give(score=0, label=None)
    assert await scene.kept() == [("req_0001", 0.0, "")]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"score": 1.1}, "score"), ({"score": -0.1}, "score"), ({"score": "1"}, "score"), ({"score": True}, "score"),
        ({"score": None}, "score"), ({"score": 1e300}, "score"),
        ({"label": "x" * (LABEL_CAP + 1)}, "label"), ({"label": 1}, "label"), ({"label": "a\nb"}, "label"),
        ({"request_id": ""}, "request_id"), ({"request_id": 1}, "request_id"), ({"request_id": "x" * 65}, "request_id"),
        ({"request_id": "réq"}, "request_id"), ({"scores": 1}, "scores"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_by_its_field_and_not_kept(scene, fields, param):
    with pytest.raises(NotTaken) as caught:
        await scene.give(**fields)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert (await scene.kept(), scene.told) == ([], [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"request_id": "req_0001", "score": NaN}', "invalid_json"),
        (b'{"request_id": "req_0001", "score": Infinity}', "invalid_json"),
        (b'{"request_id": "req_0001"', "invalid_json"),
        (b"", "invalid_json"),
        (b"[]", "invalid_type"),
        (b'{"score": 1}', "missing_required_parameter"),
        (b'{"request_id": "req_0001"}', "missing_required_parameter"),
        (b'{"score": 1, "label": "' + b"x" * BODY_CAP + b'"}', "body_too_large"),
    ],
)
def test_a_body_that_tells_no_score_is_refused(body, code):
    with pytest.raises(NotTaken) as caught:
        read(body)
    assert caught.value.code == code


async def test_where_nothing_is_learned_or_kept_that_is_told(scene):
    scene.tracks = False
    assert await scene.refused() == (409, "not_recorded")
    scene.tracks, scene.ledger = True, LedgerSettings(url="memory:")
    assert await scene.refused() == (409, "not_recorded")
    assert await scene.kept() == []


async def test_a_place_that_is_away_is_told_as_passing(scene, tmp_path):
    (tmp_path / "file").write_text("")
    scene.ledger = LedgerSettings(url=f"sqlite:///{tmp_path}/file/ledger.db")
    assert await scene.refused() == (503, "not_recorded")
    assert scene.told == []


async def test_so_many_wait_and_no_more(scene, monkeypatch):
    monkeypatch.setattr(learning, "WAITING", 2)
    found = await asyncio.gather(*(scene.give(score=n / 4) for n in range(4)), return_exceptions=True)
    assert [getattr(one, "status", 200) for one in found] == [200, 200, 503, 503]
    assert await scene.kept() == [("req_0001", 0.25, "kind")]
    await scene.give()
