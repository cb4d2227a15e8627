"""`POST /api/v1/feedback` of the data listener: a client's score of an answer that it got."""

import orjson

from proxy.flow import Exchange, Refused
from proxy.learning.feedback import Feedback, NotTaken
from translators.faults import Fault, Kind


class Feedbacks:
    """The route's service."""

    def __init__(self, feedback: Feedback) -> None:
        self._feedback = feedback

    async def __call__(self, exchange: Exchange) -> None:
        """Raises Refused."""
        body = await exchange.read()
        client = exchange.client.name if exchange.client is not None else ""
        try:
            told = await self._feedback.take(body, client)
        except NotTaken as error:
            raise _refused(error) from None
        exchange.status = 200
        await exchange.out.answer(200, [("content-type", "application/json")], orjson.dumps(told))


def _refused(error: NotTaken) -> Refused:
    again = error.status == 503
    fault = Fault(
        kind=Kind.SHED if again else Kind.REFUSED,
        status=error.status,
        type="server_error" if again else "invalid_request_error",
        code=error.code,
        param=error.param,
        message=str(error),
    )
    return Refused(fault, retry_after_s=1 if again else None, should_retry=again)
