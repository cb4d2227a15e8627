"""What every store of balances must do, wherever it keeps them.

A test file of a store subclasses Contract and gives it a fixture `place`: where balances are kept.
"""

from typing import Protocol

import pytest

from proxy.clock import SystemClock
from proxy.ledger.store import Ask, Count, Store

WALL = SystemClock().wall

END = int(WALL()) + 3_600


class Place(Protocol):
    def store(self) -> Store:
        """Another one, as another process would have it; not yet open, and closed by the fixture."""

    async def forget(self) -> None:
        """Empties the place, as if nothing had ever been written there."""


def ask(key="b", limit=1_000, **wishes):
    return Ask(key=key, limit=limit, expires=END, **wishes)


def wish(amount, key="b", **more):
    return ask(key, least=amount, need=amount, **more)


async def told(store, owner, *asks, memory=""):
    return await store.call(owner, asks, memory)


async def standing(store, owner, one, memory=""):
    return (await store.call(owner, [one], memory)).standings[0]


class Contract:
    @pytest.fixture
    async def store(self, place):
        store = place.store()
        await store.open()
        return store

    async def test_a_grant_counts_as_taken_by_its_owner(self, store):
        given = await standing(store, "one", wish(400))
        assert (given.key, given.own, given.total, given.spent) == ("b", Count(400), 400, 0)
        assert dict(given.others) == {}

    async def test_another_owner_gets_what_is_left_and_sees_the_first(self, store):
        await standing(store, "one", wish(400))
        given = await standing(store, "two", ask(least=100, need=900))
        assert (given.own, given.total) == (Count(600), 1_000)
        assert dict(given.others) == {"one": Count(400)}

    async def test_less_than_the_least_is_not_granted(self, store):
        await standing(store, "one", wish(950))
        assert (await standing(store, "two", ask(least=51, need=80))).own == Count()
        assert (await standing(store, "two", ask(least=50, need=80))).own == Count(50)

    async def test_more_is_in_hand_where_plenty_is_left(self, store):
        """At most the chunk, and an eighth of what is free."""
        assert (await standing(store, "one", ask(limit=100_000, least=1, need=1, chunk=2_000))).own == Count(2_000)
        assert (await standing(store, "one", ask("c", limit=1_000, least=1, need=1, chunk=2_000))).own == Count(125)

    async def test_near_the_end_nobody_gets_more_than_it_needs(self, store):
        await standing(store, "one", wish(890))
        assert (await standing(store, "two", ask(least=1, need=10, chunk=100))).own == Count(13)
        assert (await standing(store, "two", ask(own=Count(13), least=1, need=10, chunk=100))).own == Count(23)

    async def test_what_must_be_is_granted_whatever_the_limit(self, store):
        await standing(store, "one", wish(1_000))
        given = await standing(store, "two", ask(least=50, need=50, force=True))
        assert (given.own, given.total) == (Count(50), 1_050)
        assert (await standing(store, "three", wish(1))).own == Count()

    async def test_what_was_given_back_is_granted_again(self, store):
        await standing(store, "one", wish(1_000))
        back = await standing(store, "one", ask(own=Count(1_000, 300)))
        assert (back.own, back.total) == (Count(1_000, 300), 700)
        assert (await standing(store, "two", wish(300))).own == Count(300)

    async def test_what_was_spent_is_summed_over_all_owners(self, store):
        await standing(store, "one", wish(100))
        await standing(store, "two", wish(100))
        await standing(store, "one", ask(own=Count(100, 0, 70)))
        given = await standing(store, "two", ask(own=Count(100, 0, 20)))
        assert (given.spent, given.total) == (90, 200)

    async def test_saying_a_thing_twice_or_late_changes_nothing(self, store):
        await standing(store, "one", wish(100))
        late = ask(own=Count(100, 10, 20))
        await standing(store, "one", ask(own=Count(100, 30, 60)))
        assert (await standing(store, "one", late)).own == Count(100, 30, 60)

    async def test_what_somebody_has_in_hand_who_was_never_heard_of_is_lost_until_he_speaks(self, store):
        """It counts as taken in either case."""
        await standing(store, "two", wish(50))
        ghost = Count(300, 20, 100)
        seen = await standing(store, "one", ask(others={"ghost": ghost}))
        assert (seen.lost, seen.total, seen.spent) == (180, 330, 100)
        await standing(store, "ghost", ask(own=ghost))
        seen = await standing(store, "one", ask())
        assert (seen.lost, seen.total) == (0, 330)

    async def test_who_lost_an_answer_finds_the_grant_in_the_next(self, store):
        await standing(store, "one", wish(400))
        given = await standing(store, "one", ask(own=Count()))
        assert given.own == Count(400)

    async def test_every_balance_is_granted_on_its_own_in_one_call(self, store):
        given = (await told(store, "one", wish(600), wish(2_000, "c"), wish(5, "d"))).standings
        assert [(one.key, one.own.granted) for one in given] == [("b", 600), ("c", 0), ("d", 5)]

    async def test_asks_are_granted_in_their_order_also_of_one_balance(self, store):
        given = (await told(store, "one", wish(600), wish(500), wish(400))).standings
        assert [one.own.granted for one in given] == [600, 600, 1_000]

    async def test_an_ask_for_nothing_tells_how_things_are(self, store):
        first = await told(store, "one")
        assert first.standings == ()
        assert first.memory
        assert abs(first.now - WALL()) < 5
        assert (await told(store, "two", memory=first.memory)).memory == first.memory

    async def test_large_amounts_are_exact(self, store):
        most = 9_000_000_000_000_000
        given = await standing(store, "one", ask(limit=most, least=most - 1, need=most - 1))
        assert given.own == Count(most - 1)
        given = await standing(store, "two", ask(limit=most, least=1, need=2))
        assert (given.own, given.total) == (Count(1), most)

    async def test_names_are_any_text(self, store):
        key = "b'}{\"|\n\x00ü|*:?"
        assert (await standing(store, "o'n}e:\n", wish(1, key))).own == Count(1)
        assert dict((await standing(store, "two", ask(key))).others) == {"o'n}e:\n": Count(1)}

    async def test_two_stores_of_one_place_share_its_balances(self, place, store):
        await standing(store, "one", wish(700))
        other = place.store()
        await other.open()
        given = await told(other, "two", ask(least=1, need=900))
        assert given.standings[0].own == Count(300)
        assert given.memory == (await told(store, "one")).memory

    async def test_a_store_that_forgot_grants_nothing_until_it_was_told_again(self, place, store):
        known = (await told(store, "one", wish(400))).memory
        await standing(store, "two", wish(500))
        heard = await standing(store, "one", ask(own=Count(400)))
        await place.forget()
        answer = await told(store, "one", wish(100, own=Count(400, 0, 10)), wish(5, "new", force=True), memory=known)
        assert answer.memory not in {"", known}
        assert [one.own for one in answer.standings] == [Count(400, 0, 10), Count()]
        again = wish(200, own=Count(400, 0, 10), others=heard.others)
        answer = await told(store, "one", again, memory=answer.memory)
        assert (answer.standings[0].own, answer.standings[0].total) == (Count(400, 0, 10), 900)
        assert dict(answer.standings[0].others) == {"two": Count(500)}

    async def test_what_others_say_of_an_owner_never_lowers_what_it_said(self, store):
        await standing(store, "one", wish(400))
        given = await standing(store, "two", ask(others={"one": Count(300, 0, 7), "gone": Count(20, 5, 5)}))
        assert dict(given.others) == {"one": Count(400, 0, 7), "gone": Count(20, 5, 5)}
        assert given.total == 415

    async def test_only_the_first_who_says_a_name_is_told_so(self, place, store):
        other = place.store()
        await other.open()
        assert await store.mark("half of b", END)
        assert not await other.mark("half of b", END)
        assert await other.mark("all of b", END)

    async def test_a_name_may_be_said_again_when_it_has_expired(self, store):
        assert await store.mark("half of b", int(WALL()) - 10)
        assert await store.mark("half of b", END)

    async def test_a_store_that_was_closed_finds_everything_when_it_is_open_again(self, place, store):
        await standing(store, "one", wish(400))
        await store.close()
        later = place.store()
        await later.open()
        assert (await standing(later, "two", ask())).total == 400
