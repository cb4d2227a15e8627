"""What the admin port answers before all its pages are made."""

from types import SimpleNamespace

import orjson
import pytest

from proxy.admin.front import Front
from proxy.edge import CONNECTION


class Asked:
    """A front whose others are counted, and what it sent."""

    def __init__(self) -> None:
        self.made = 0
        self.handed_on = []
        self.sent = []
        self.front = Front({"/readyz": lambda: (503, {"ready": False})}, self._others)

    def _others(self):
        self.made += 1

        async def others(scope, receive, send):
            self.handed_on.append(scope["path"])

        return others

    async def ask(self, path, method="GET", problem=None):
        async def send(message):
            self.sent.append(message)

        connection = SimpleNamespace(problem=problem)
        scope = {"type": "http", "path": path, "method": method, "extensions": {CONNECTION: connection}}
        await self.front(scope, None, send)


async def test_a_health_page_is_answered_while_no_other_is_made():
    asked = Asked()
    await asked.ask("/readyz")
    start, end = asked.sent
    body = end["body"]
    assert (start["status"], orjson.loads(body)) == (503, {"ready": False})
    assert dict(start["headers"]) == {b"content-type": b"application/json", b"content-length": b"%d" % len(body)}
    assert asked.made == 0


@pytest.mark.parametrize(
    "asked_for", [("/state",), ("/readyz", "POST"), ("/readyz", "HEAD"), ("/readyz", "GET", "cannot be read")]
)
async def test_all_else_is_answered_by_the_others_made_once(asked_for):
    asked = Asked()
    await asked.ask(*asked_for)
    await asked.ask(*asked_for)
    assert (asked.made, asked.handed_on, asked.sent) == (1, [asked_for[0]] * 2, [])


async def test_the_others_can_be_made_before_they_are_asked_for():
    asked = Asked()
    asked.front.whole()
    await asked.ask("/state")
    assert asked.made == 1
