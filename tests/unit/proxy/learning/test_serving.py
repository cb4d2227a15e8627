"""The data listener's route: whoever's client it is, told in that client's dialect."""

from types import SimpleNamespace

import orjson
import pytest

from proxy.flow import Exchange, Refused
from proxy.learning.feedback import NotTaken
from proxy.learning.serving import Feedbacks


class Taker:
    def __init__(self, outcome):
        self.outcome, self.asked = outcome, []

    async def take(self, body, client):
        self.asked.append((body, client))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def exchange(client=None):
    told = []

    async def read():
        return b"{}"

    async def answer(*said):
        told.append(said)

    made = Exchange(
        id="req_1", route="feedback", method="POST", path="/api/v1/feedback", headers={}, read=read, peer="",
        out=SimpleNamespace(answer=answer), codec=None, started=0.0, client=client,
    )  # fmt: skip
    return made, told


@pytest.mark.parametrize(("client", "name"), [(None, ""), (SimpleNamespace(name="web"), "web")])
async def test_a_score_is_taken_for_the_client_that_gives_it(client, name):
    taker = Taker({"score": 1.0})
    made, told = exchange(client)
    await Feedbacks(taker)(made)
    assert taker.asked == [(b"{}", name)]
    [(status, headers, body)] = told
    assert (status, headers, orjson.loads(body)) == (200, [("content-type", "application/json")], {"score": 1.0})
    assert made.status == 200


@pytest.mark.parametrize(("status", "again"), [(404, False), (503, True)])
async def test_what_is_not_taken_is_refused_with_its_status(status, again):
    made, told = exchange()
    with pytest.raises(Refused) as caught:
        await Feedbacks(Taker(NotTaken(status, "a_code", "A sentence.", "score")))(made)
    refused = caught.value
    assert (refused.fault.status, refused.fault.code, refused.fault.param) == (status, "a_code", "score")
    assert (refused.should_retry, refused.retry_after_s, told) == (again, 1 if again else None, [])
