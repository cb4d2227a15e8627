"""The protocol of leases, in every order of events that two processes can meet with a small budget.

The owners' side and the store's are the real ones; who speaks when, which answers are lost, who dies and when the
store forgets everything is chosen here, in all ways up to a number of steps. Time is not: where the ledger waits for
others to speak (after the store forgot), no grant is asked for until all who live have spoken, and until then nobody
dies or is born.
"""

import copy

from proxy.ledger.balance import Balance
from proxy.ledger.grants import apply, total_of
from proxy.ledger.store import Count

LIMIT = 2
KEPT = [name for name in Balance.__slots__ if name != "_others"]


class Owner:
    """One life of one process."""

    def __init__(self, name, memory):
        self.name = name
        self.memory = memory
        self.balance = Balance("b", LIMIT, 0.0, 0, hard=True)
        self._state = None

    def copied(self):
        other = copy.copy(self)
        other._state = None
        one = other.balance = Balance.__new__(Balance)
        for name in KEPT:
            setattr(one, name, getattr(self.balance, name))
        one._others = dict(self.balance._others)
        return other

    @property
    def state(self):
        """All that decides what it does."""
        if self._state is None:
            one = self.balance
            others = frozenset(
                (name, count.granted, count.returned, count.spent) for name, count in one._others.items()
            )
            self._state = (
                self.name, self.memory, one.free, one.reserved, one.spent, one.returned, one.heard, others,
                one.taken_elsewhere, one.scarce, one.reassert,
            )  # fmt: skip
        return self._state


class World:
    """One state of everything."""

    def __init__(self):
        self.counts = {}
        self.memory = 1
        self.owners = (Owner("a", 1), Owner("b", 1))
        self.dead = ()
        """What each had spent or reserved when it died, and all that was granted to it."""
        self.trace = ()

    def copied(self, index=None):
        """Apart from this one in the store and the owner `index`."""
        other = copy.copy(self)
        other.counts = dict(self.counts)
        other.owners = tuple(owner.copied() if at == index else owner for at, owner in enumerate(self.owners))
        return other

    @property
    def state(self):
        counts = frozenset((name, one.granted, one.returned, one.spent) for name, one in self.counts.items())
        return counts, self.memory, self.owners[0].state, self.owners[1].state, self.dead

    @property
    def doubted(self):
        return any(owner.memory != self.memory or owner.balance.reassert for owner in self.owners)

    @property
    def used(self):
        living = sum(owner.balance.spent + owner.balance.reserved for owner in self.owners)
        return living + sum(used for used, _ in self.dead)

    def after(self, move):
        name, index, *details = move
        other = self.copied(index)
        getattr(other, name)(*([] if index is None else [other.owners[index]]), *details)
        other.trace = (*self.trace, move)
        return other

    def moves(self, deaths, forgets):
        for index, owner in enumerate(self.owners if self.trace else self.owners[:1]):
            one = owner.balance
            yield from (("call", index, amount, lost) for amount in range(LIMIT + 1) for lost in (False, True))
            if one.free > 0:
                yield "reserve", index
                yield "give_back", index
            if one.reserved > 0:
                yield from (("settle", index, spent) for spent in range(one.reserved + 1))
            if len(self.dead) < deaths and not self.doubted:
                yield "die", index
        if self.trace and self.memory <= forgets:
            yield "forget", None

    def call(self, owner, amount, lost):
        """Somebody waits for so much, or it only tells; the answer may be lost."""
        balance = owner.balance
        while True:
            wanted = 0 if self.doubted else amount
            ask = balance.ask(wanted, wanted) if wanted else balance.tell()
            standing = apply(self.counts, owner.name, ask, remembers=owner.memory == self.memory)
            if lost:
                return
            if owner.memory == self.memory:
                break
            owner.memory = self.memory
            balance.reassert = True
        balance.reassert = False
        balance.hear(standing)
        if 0 < amount <= balance.free:
            balance.reserve(amount)

    def reserve(self, owner):
        owner.balance.reserve(owner.balance.free)

    def give_back(self, owner):
        owner.balance.give_back()

    def settle(self, owner, spent):
        owner.balance.settle(owner.balance.reserved, spent)

    def die(self, owner):
        count = self.counts.get(owner.name, Count())
        held = count.granted - count.returned
        self.dead = (*self.dead, (owner.balance.spent + owner.balance.reserved, held))
        new = Owner("abcdef"[len(self.dead) + 1], self.memory)
        self.owners = tuple(new if one is owner else one for one in self.owners)

    def forget(self):
        self.memory += 1
        self.counts = {}

    def rest(self):
        """Everybody releases what is reserved, gives back what is free and tells so."""
        for _ in range(3):
            for owner in self.owners:
                owner.balance.settle(owner.balance.reserved, 0)
                owner.balance.give_back()
                self.call(owner, 0, lost=False)


def explore(depth, *, deaths=0, forgets=0):
    """Every world within `depth` steps."""
    front = [World()]
    seen = {front[0].state}
    for _ in range(depth):
        following = []
        for world in front:
            for move in world.moves(deaths, forgets):
                after = world.after(move)
                if after.state not in seen:
                    seen.add(after.state)
                    following.append(after)
        yield from following
        front = following


def check(world):
    """Nothing is overspent; when all is settled, all that was not spent, nor in a dead hand, is there for anyone."""
    assert world.used <= LIMIT, world.trace
    later = world.copied(0).copied(1)
    later.rest()
    spent = sum(owner.balance.spent for owner in later.owners)
    held = sum(held for _, held in later.dead)
    assert total_of(later.counts) == spent + held, world.trace
    if left := LIMIT - spent - held:
        later.call(later.owners[0], left, lost=False)
        assert later.owners[0].balance.reserved == left, world.trace


def test_whatever_is_lost_and_whoever_dies_nothing_is_overspent_and_the_rest_can_be_spent():
    checked = 0
    for world in explore(6, deaths=1):
        check(world)
        checked += 1
    assert checked > 2_000


def test_a_store_that_forgets_at_any_moment_makes_nobody_overspend():
    checked = 0
    for world in explore(6, forgets=1):
        check(world)
        checked += 1
    assert checked > 2_000


def test_what_the_dead_had_is_told_by_the_living_to_a_store_that_forgot():
    world = World()
    steps = [
        ("call", 0, 1, False), ("call", 1, 0, False), ("die", 0), ("forget", None), ("call", 0, 0, False),
        ("call", 1, 0, False), ("call", 1, 2, False), ("call", 1, 1, False),
    ]  # fmt: skip
    for step in steps:
        world = world.after(step)
        assert world.used <= LIMIT
    assert world.owners[1].balance.reserved == 1
