"""Looks at providers over another configuration, and at the end."""

import pytest
from msgspec import structs

from proxy.config.profiles import vendors
from proxy.config.values import HealthSettings
from proxy.resilience.breaker import State
from tests.unit.proxy.upstream.looking import EVERY, Lab, lab, open_lab, provider
from tests.virtual import played


@pytest.fixture(autouse=True, scope="module")
def _read():
    """What the application reads before anything runs."""
    vendors()


class TestFollowing:
    """Another configuration."""

    @staticmethod
    async def asked_in(lab, seconds):
        before = len(lab.calls)
        await lab.passes(seconds)
        return {call.url.split("/")[2] for _, call in lab.calls[before:]}

    def test_the_providers_that_are_looked_at_change_at_once(self):
        async def main():
            async with open_lab() as lab:
                lab.it.follow([provider("one"), provider("two")])
                assert await self.asked_in(lab, 20) == {"one.test", "two.test"}
                lab.it.follow([provider("two"), provider("three")])
                assert await self.asked_in(lab, 20) == {"two.test", "three.test"}
                lab.it.follow([provider("two", health=HealthSettings())])
                assert await self.asked_in(lab, 20) == set()
                assert lab.it.told(0) == {}

        played(main())

    def test_one_that_is_the_same_is_not_disturbed(self):
        async def main():
            async with open_lab() as lab:
                lab.it.follow([provider()])
                await lab.passes(15)
                before = lab.told()
                task = lab.it._watches["alpha"].task
                lab.it.follow([provider()])
                assert lab.told() == before
                assert lab.it._watches["alpha"].task is task

        played(main())

    def test_one_with_another_interval_keeps_what_was_found(self):
        async def main():
            async with open_lab() as lab:
                lab.says = 503
                lab.it.follow([provider()])
                await lab.passes(15)
                lab.it.follow([provider(every=100.0)])
                told = lab.told()
                assert (told["interval_s"], told["up"]) == (100.0, False)
                lab.says = 200
                await lab.passes(110)
                assert [change[1] for change in lab.changes] == [False, True]

        played(main())

    def test_one_that_has_moved_is_a_new_one(self):
        async def main():
            async with open_lab() as lab:
                lab.says = 503
                lab.it.follow([provider()])
                await lab.passes(15)
                lab.it.follow([structs.replace(provider(), base_url="https://moved.test/v1")])
                assert lab.told()["up"] is None

        played(main())

    @pytest.mark.parametrize("after", [[], [provider(every=20.0)]])
    def test_a_look_under_way_is_broken_off_and_says_nothing(self, after):
        async def main():
            async with open_lab() as lab:
                lab.says = "silence"
                state = lab.opened(provider())
                lab.it.follow([provider()])
                await lab.passes(EVERY - 0.1)
                assert lab.under_way == 1
                lab.it.follow(after)
                await lab.passes(0.01)
                assert (lab.cancelled, lab.counted, lab.changes) == (1, [], [])
                await lab.passes(max(0.0, lab.began + 30 - lab.clock.now()))
                assert state.breaker.state(lab.clock.now()) is State.PROBE

        played(main())

    def test_new_connections_are_used_at_once(self):
        """The old ones are closed when their last request has ended, which a look is none of."""

        async def main():
            async with open_lab() as lab:
                lab.it.follow([provider()])
                await lab.passes(15)
                other = Lab()
                lab.it._world = structs.replace(lab.it._world, engine_of=lambda _: other)
                before = len(lab.calls)
                lab.it.follow([provider()])
                await lab.passes(15)
                assert (len(lab.calls), len(other.calls)) == (before, 1)

        played(main())


@lab
async def test_the_end_breaks_off_what_is_under_way(lab):
    lab.says = "silence"
    lab.it.follow([provider()])
    await lab.passes(EVERY - 0.1)
    assert lab.under_way == 1
    began = lab.clock.now()
    await lab.it.close()
    assert (lab.cancelled, lab.clock.now() - began) == (1, 0)
