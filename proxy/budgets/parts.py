"""What an exchange has of each balance that it counts in, and what its attempts make of that. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from proxy.budgets import refusals
from proxy.budgets.bills import Bill, apart
from proxy.budgets.budgets import Held
from proxy.config.spending import Price
from proxy.config.values import Target
from proxy.flow import Fared, Hosted, Most, Refused
from proxy.ledger.balance import Balance, Line
from proxy.pricing.cost import cost, fee, worst
from proxy.tokens.hosted import OPTIONS, PREVIEW, SEARCH
from translators.ir import Usage


class Part(Line):
    """What the exchange has of one balance; as a line, what it has reserved there."""

    __slots__ = ("budget", "charged", "last", "loose", "lost", "need", "spare", "unit", "wanted", "whose")

    def __init__(self, whose: Held) -> None:
        super().__init__(whose.balance, 0)
        self.whose = whose
        self.budget = budget = whose.plan.budget
        self.unit = budget.unit
        self.charged = 0
        """What ended attempts were billed."""
        self.need = 0
        """The most that the attempt under way can add."""
        self.wanted = 0
        """What calls that are asked for can add."""
        self.last = 0
        """What the latest of those that were granted can add."""
        self.lost = 0
        """What calls of it that were made again may have cost."""
        self.spare = 0
        """What is held or waited for beyond these; below zero where more was billed than was held."""
        self.loose = False
        """It is counted, and stops nothing."""


class Wish(Struct, frozen=True, eq=False):
    """What some calls may come to: of each balance what is `wanted`, and this. It is taken before anything else."""

    calls: int
    """0: another one in place of the latest, and what is wanted is what that cost."""
    usd: int
    lines: Sequence[Part]
    """Those of which more must be had, which is their `amount`."""

    @classmethod
    def anew(cls, parts: Iterable[Part], usage: Usage | None, usd: int) -> "Wish":
        """For another call after the latest, which is lost at `usd` and `usage`, or at its worst where that is None."""
        growing = []
        for part in parts:
            known = {"usd": usd, "tokens": 0 if usage is None else usage.billed}.get(part.unit, 0)
            part.wanted = part.last if usage is None else known
            part.lost += part.wanted
            if grows(part):
                growing.append(part)
        return cls(int(usage is None), usd, growing)


def grows(part: Part) -> bool:
    """Whether more must be had for what is wanted than is held or waited for."""
    part.amount = part.wanted - part.spare
    return part.amount > 0 and not part.loose


def lacking(part: Part, target: Target) -> Refused | None:
    """Why a budget does not bear what nobody can bound; None where that counts as nothing for now."""
    budget = part.budget
    if budget.unit == "usd" and target.price is None:
        return None if budget.unpriced == "allow" else refusals.unpriced(part.whose, target.name)
    return refusals.unbounded(part.whose, target.name) if budget.hard and not part.loose else None


def at_worst(price: Price, most: Most, output: int) -> int:
    """The most that a call costs with so much output, in nano-dollars, as far as anybody knows."""
    usd, hosted = worst(price, most.input, output, most.tier), most.hosted
    if hosted is None:
        return usd
    return usd + max(fee(one, hosted.searches) for one in (price, *(at.price for at in price.served)))


def unknown(whose: Held | None, target: Target, hosted: Hosted) -> Refused | None:
    """Why nobody knows what such tools cost at `target`. A chat that searches does so once, so that a fee for each call
    pays for it."""
    price = target.price
    if price is None:
        return None
    if hosted.searches and price.search is None:
        return refusals.unpriced_tool(whose, target.name, SEARCH)
    known = {OPTIONS: price.request > 0, PREVIEW: price.search_any}
    if hosted.other and not known.get(hosted.other):
        return refusals.unpriced_tool(whose, target.name, hosted.other)
    return None


def untold(part: Part, target: Target, hosted: Hosted) -> Refused | None:
    """The same where a budget wants to know, as it does of models without a price: hard or soft."""
    budget = part.budget
    if budget.unit != "usd" or part.loose or budget.unpriced == "allow":
        return None
    return unknown(part.whose, target, hosted)


def stopping(parts: Iterable[Part], *, stays: bool) -> list[Balance]:
    """The balances that may stop a request by how far they have come, rather than by what is left of them; `stays`: it
    gives way to no other model."""
    return [
        part.balance
        for part in parts
        if not part.loose
        and (
            (part.budget.when_spent == "downgrade" and not stays)
            or (part.budget.when_spent == "reject" and not part.budget.hard)
        )
    ]


def beyond(limit: int, so_far: int, target: Target, usd: int | None, hosted: Hosted | None) -> Refused | None:
    """Why calls that cost `usd` at most may take a request beyond its `limit`, or nobody can say."""
    if usd is None and target.price is None:
        return refusals.unpriced(None, target.name)
    if usd is None:
        return refusals.unbounded(None, target.name)
    if hosted is not None and (refused := unknown(None, target, hosted)):
        return refused
    return refusals.too_dear(target.name, so_far + usd, limit) if so_far + usd > limit else None


def side_by_side(fared: Iterable[Fared], price: Price | None, most: Most, worst_usd: int) -> tuple[int, int]:
    """What calls side by side come to, nano-dollars and tokens: each what it is known to have cost, and where nobody
    knows its bill the most, which is `worst_usd` and what `most` allows."""
    known, unknown = apart(fared)
    usd = sum(0 if price is None else cost(price, one) for one in known)
    tokens = 0 if most.output is None else most.input + most.output
    return usd + unknown * worst_usd, sum(one.billed for one in known) + unknown * tokens


def charge(parts: Iterable[Part], bill: Bill, usd: int, tokens: int) -> Iterator[str]:
    """Ends an attempt that was billed so much. Gives the hard budgets to which that is more than it could be."""
    for part in parts:
        need = part.need
        if part.unit == "usd":
            billed = usd
        elif bill is Bill.WORST or part.unit == "requests":
            billed = need
        else:
            billed = part.lost + tokens
        if billed > need and part.budget.hard and not part.loose:
            yield part.budget.name
        part.charged += billed
        part.spare += need - billed
        part.need = 0
