"""How fast requests may come, in this process: `[[rates]]`, each for whom its scope says.

A rate limits requests and tokens for a minute (`proxy.budgets.gcra`) and how many are under way at once. Where its
scope says `*` every value has an account of its own; `ACCOUNTS` of all of them are kept, and what was idle longest goes
first, but never one that a request is under way in. Requests that do not say whose they are share the empty value's.

A request enters all of its rates or none: one that refuses has taken nothing from the others. Tokens are taken by
estimate, a third of the body's bytes and the output that is asked for, and corrected when the real usage is known.

The rates are looked at before a provider is chosen, so no scope of theirs speaks of one; `model` is the name asked for.
Nothing here is shared between processes: what must hold for several is a budget with a window of a minute.
"""

from collections.abc import Sequence
from typing import Final

import orjson
from msgspec import Struct

from proxy.budgets.gcra import Cell
from proxy.budgets.scopes import Pairs, named, of_rate
from proxy.budgets.telling import NANOS, Kept, Level, crowded, headers, pressing, refusal
from proxy.clock import Clock
from proxy.config.spending import Rate
from proxy.flow import Exchange, Headers, Refused, Who
from proxy.tokens.estimated import BYTES_PER_TOKEN
from translators.ir import Usage
from translators.openai_chat.envelope import CHOICES_CAP

ACCOUNTS: Final = 10_000
DEFAULT_OUTPUT: Final = 1024
"""Tokens that an answer counts as until its usage is known, where the request does not bound it."""
CONVERSATIONS: Final = frozenset({"chat", "completions", "responses", "messages"})
"""Routes whose answers are made of tokens."""
_BOUNDS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")

_REQUESTS: Final[Kept] = "requests"
_TOKENS: Final[Kept] = "tokens"

Values = tuple[str, ...]


class _Limit(Struct, frozen=True):
    """A rate, its scope in a fixed order."""

    rate: Rate
    scope: Pairs

    def values(self, who: Who, model: str) -> Values | None:
        """Of a request that it concerns."""
        return of_rate(self.scope, who, model)


class _Account:
    """What one combination of values has of a rate."""

    __slots__ = ("limit", "requests", "running", "tokens", "values")

    def __init__(self, limit: _Limit, values: Values) -> None:
        rate = limit.rate
        self.limit = limit
        self.values = values
        self.requests = Cell(rate.requests_per_minute) if rate.requests_per_minute else None
        self.tokens = Cell(rate.tokens_per_minute) if rate.tokens_per_minute else None
        self.running = 0

    @property
    def name(self) -> str:
        return named(self.limit.rate.name, self.limit.scope, self.values)

    def refusal(self, tokens: int, now: int) -> tuple[int | None, Refused] | None:
        """Nanoseconds until it may be entered, None for never, and how that is told; None where it may be now."""
        rate = self.limit.rate
        if self.requests is not None and (wait := self.requests.wait(1, now)):
            return wait, refusal(self.name, f"{rate.requests_per_minute} requests a minute", wait)
        if self.tokens is not None and (wait := self.tokens.wait(tokens, now)) != 0:
            return wait, refusal(self.name, f"{rate.tokens_per_minute} tokens a minute", wait)
        if rate.concurrent and self.running >= rate.concurrent:
            return 0, crowded(self.name, rate.concurrent)
        return None


class Held:
    """What a request has taken of its rates, until `settle`."""

    __slots__ = ("_open", "_rates", "_taken", "_tokens")

    def __init__(self, rates: "Rates", taken: Sequence[tuple[_Account, int]], tokens: int) -> None:
        self._rates = rates
        self._taken = taken
        """Each with the mark of the tokens taken there."""
        self._tokens = tokens
        self._open = True

    def settle(self, usage: Usage | None) -> None:
        """The request has ended and used this; None: nobody knows, and the estimate stands. `Usage(0, 0)` where no
        provider worked on it. Only the first call counts."""
        if not self._open:
            return
        self._open = False
        now = self._rates.now()
        for account, mark in self._taken:
            account.running -= 1
            if usage is not None and account.tokens is not None:
                account.tokens.correct(mark, self._tokens, usage.total, now)


class Rates:
    """Used from the loop's thread alone. Outlives a configuration: `follow` takes the next one's rates."""

    def __init__(self, rates: Sequence[Rate], clock: Clock) -> None:
        self._clock = clock
        self._limits: list[_Limit] = []
        self._accounts: dict[tuple[str, Values], _Account] = {}
        """By the rate's name and the values, the one used last at the end."""
        self.follow(rates)

    def __bool__(self) -> bool:
        """Whether there is any rate."""
        return bool(self._limits)

    def follow(self, rates: Sequence[Rate]) -> None:
        """Limits by these from now on. An unchanged one goes on as it is; what is under way counts where it began."""
        limits = [_Limit(rate, tuple(sorted(rate.scope.items()))) for rate in rates]
        same = {limit.rate.name for limit in limits if limit in self._limits}
        self._limits = limits
        self._accounts = {key: account for key, account in self._accounts.items() if key[0] in same}

    def now(self) -> int:
        """In nanoseconds."""
        return int(self._clock.now() * NANOS)

    def enter(self, exchange: Exchange, who: Who, model: str) -> Held:
        """Lets a request in, whose payload is parsed; `exchange.limits` then tells how much is left. Raises Refused:
        429 `rate_limit_exceeded`, of the rate that takes longest."""
        now = self.now()
        accounts = [
            self._account(limit, values) for limit in self._limits if (values := limit.values(who, model)) is not None
        ]
        tokens = estimate(exchange) if any(account.tokens is not None for account in accounts) else 0
        refusals = [found for account in accounts if (found := account.refusal(tokens, now)) is not None]
        if refusals:
            self._tell(exchange, accounts, now)
            raise max(refusals, key=lambda one: float("inf") if one[0] is None else one[0])[1]
        taken = [(account, self._take(account, tokens, now)) for account in accounts]
        self._tell(exchange, accounts, now)
        return Held(self, taken, tokens)

    def _take(self, account: _Account, tokens: int, now: int) -> int:
        account.running += 1
        if account.requests is not None:
            account.requests.take(1, now)
        return account.tokens.take(tokens, now) if account.tokens is not None else 0

    def _account(self, limit: _Limit, values: Values) -> _Account:
        key = (limit.rate.name, values)
        account = self._accounts.pop(key, None)
        if account is None:
            if len(self._accounts) >= ACCOUNTS:
                self._forget()
            account = _Account(limit, values)
        self._accounts[key] = account
        return account

    def _forget(self) -> None:
        """The account that was idle longest. There is one: what is under way is bounded far below `ACCOUNTS`."""
        idle = next((key for key, account in self._accounts.items() if not account.running), None)
        if idle is not None:
            del self._accounts[idle]

    def _tell(self, exchange: Exchange, accounts: Sequence[_Account], now: int) -> None:
        requests = [Level(cell.amount, *cell.left(now)) for one in accounts if (cell := one.requests) is not None]
        tokens = [Level(cell.amount, *cell.left(now)) for one in accounts if (cell := one.tokens) is not None]
        told: Headers = []
        for kept, levels in ((_REQUESTS, requests), (_TOKENS, tokens)):
            level = pressing(levels)
            if level is not None:
                told += headers(exchange.codec.dialect, kept, level, self._clock.wall())
        exchange.limits = told


def estimate(exchange: Exchange) -> int:
    """Tokens that a request counts as before it is answered: none where it passes through or asks for a count."""
    route, payload = exchange.route, exchange.payload
    if route not in CONVERSATIONS:
        return _size(exchange) // BYTES_PER_TOKEN if route == "embeddings" else 0
    fields = payload if isinstance(payload, dict) else {}
    asked = [count for name in _BOUNDS if (count := _count(fields.get(name)))]
    answers = min(_count(fields.get("n")) or 1, CHOICES_CAP)
    return _size(exchange) // BYTES_PER_TOKEN + min(asked, default=DEFAULT_OUTPUT) * answers


def _count(value: object) -> int:
    """A positive whole number, else 0."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def _size(exchange: Exchange) -> int:
    """Bytes of the body, where it came in chunks those of what it says."""
    told = exchange.headers.get("content-length", "")
    return int(told) if told.isdigit() else len(orjson.dumps(exchange.payload))
