"""Chooses for the requests of one configuration, and says which targets serve the choice.

A request leaves its model open by asking for `auto` or `auto/TASK`; its task may stand in `x-sidestep-task` or in
`metadata.task` instead. Any other model is what it is, unless an experiment shares its requests out. What a client may
not ask for, and whom it may not be sent to, is settled by `proxy.offer` around this.
"""

from collections.abc import Callable, Collection
from typing import Final

from msgspec import structs

from proxy.budgets.identity import who
from proxy.config.errors import listed, nearest
from proxy.config.selection import AUTO, DEFAULT, NO_TASK, Experiment, Selection, leaves_open, named_in
from proxy.config.values import Client, Target
from proxy.flow import NOBODY, Exchange, Who
from proxy.routing.resolve import Resolution, Router
from proxy.routing.sticky import place_of
from proxy.selection.active import Active
from proxy.selection.choosing import Deciding, chosen_vectors, shared_out, task_of, told
from proxy.selection.complexity import score
from proxy.selection.splitting import arm_of
from proxy.telemetry.names import STRATEGY, STRATEGY_REFUSED, TASK, USER
from translators.faults import Malformed

_SHOWN: Final = 64
_FIELD: Final = "metadata.task"
_USERS: Final = ("user", "safety_identifier")


class Chooser:
    """Of one configuration; `active` outlives it."""

    def __init__(self, selection: Selection, router: Router, active: Active) -> None:
        self._selection = selection
        self._router = router
        self._active = active
        self._shared = {one.asked: one for one in selection.experiments.values() if one.asked}
        self._split = split = selection.split
        strategies = selection.strategies
        self._opens = bool(strategies)
        self._known = {name: Deciding(one, "active") for name, one in strategies.items()}
        self._named = {name: Deciding(one, "the request names it") for name, one in strategies.items()}
        self._unsplit = self._known if split is None else {}
        self._arms: dict[str, Deciding] = {}
        if split is not None:
            why = f"its arm of the experiment {split.name}"
            self._arms = {arm: Deciding(strategies[arm], why, split.name, arm) for arm, _ in split.arms}
        self._users = _USERS if selection.experiments else ()
        """Fields of a body that may tell for whom it is, where that counts."""

    def takes(self, asked: str) -> bool:
        """Whether this model is to be chosen for."""
        return (self._opens and (asked == AUTO or leaves_open(asked))) or asked in self._shared

    def leaves_open(self, asked: str) -> bool:
        """Whether this is a name by which a model is left open here."""
        return self._opens and leaves_open(asked)

    def chat(self, exchange: Exchange) -> Resolution | None:
        """The targets of whom is chosen for a conversation; the exchange is told. Raises Malformed for a task or a
        strategy that is none, or that the client may not name."""
        who_, headers = exchange.who, exchange.headers
        # Who decides about a request that says nothing; None where that takes a closer look.
        deciding = self._unsplit.get(self._active.name)
        task = NO_TASK
        if (
            deciding is None
            or exchange.asked != AUTO
            or STRATEGY in headers
            or "metadata" in exchange.payload
            or (TASK in headers or USER in headers if who_ is NOBODY else who_.task)
        ):
            who_ = self._who(exchange)
            shared = self._shared.get(exchange.asked)
            if shared is not None:
                exchange.choice = choice = shared_out(shared.name, shared.asked, _arm(shared, who_, exchange))
                return self._router.chosen(choice.model)
            deciding = self._deciding(exchange, who_, splits=True)
            task = task_of(self._selection, self._task(exchange, who_))
        looks = score(exchange.payload, task.hint)
        choice = deciding.choices.get((task.name, looks)) or deciding.choose(task, looks)
        exchange.choice = choice
        strategy = deciding.strategy
        if strategy.max_cost_per_request is not None:
            _bound(exchange, strategy.max_cost_per_request)
        return self._router.chosen(choice.model, strategy.fallback)

    def embeddings(self, exchange: Exchange) -> Resolution | None:
        """The same for vectors. No experiment decides: what is compared must be of one model."""
        deciding = self._deciding(exchange, self._who(exchange), splits=False)
        use = DEFAULT if exchange.asked == AUTO else named_in(exchange.asked)
        choice = chosen_vectors(deciding, use)
        if choice is None:
            message = (
                f"The strategy {deciding.strategy.name} has no model for vectors of the use '{use[:_SHOWN]}'; "
                f"it has {listed(deciding.strategy.embeddings)}."
            )
            raise Malformed(message, param="model", code="model_not_found", status=404)
        exchange.choice = choice
        _bound(exchange, deciding.strategy.max_cost_per_request)
        return self._router.vectors(choice.model)

    def check_said(self, exchange: Exchange) -> None:
        """Raises Malformed where a request says a task or a strategy in our headers that there is not, or that its
        client may not say, whichever model it asks for. Where none are configured, one that names its model may say
        any."""
        if STRATEGY in exchange.headers and self._selection.strategies:
            self._checked(exchange, exchange.headers[STRATEGY])
        if TASK in exchange.headers and self._selection.tasks:
            who_ = self._who(exchange)
            if who_.task not in self._selection.tasks and who_.task not in self._selection.uses():
                raise self._no_task(exchange, who_.task)

    def kept(self, exchange: Exchange, found: Resolution, loop_origin: Callable[[], str]) -> Resolution:
        """With the target at its head whose thinking a live tool loop carries, where that is none of the chosen ones:
        what was begun there goes on there."""
        if exchange.choice is None or found.name != exchange.choice.model:  # it was named, or a budget gave way to it
            return found
        origin = loop_origin()
        if not origin or place_of(found.targets, origin) is not None:
            return found
        others = self._others(exchange.client, found)
        place = place_of(others, origin)
        if place is None:
            return found
        self.stays(exchange, found, others[place])
        return structs.replace(found, targets=(others[place], *found.targets), pool=1)

    def widened(self, exchange: Exchange, found: Resolution) -> Resolution:
        """With everybody else at its end who might have been chosen another time: one of them may keep what the request
        goes on from."""
        if exchange.choice is None:
            return found
        return structs.replace(found, targets=(*found.targets, *self._others(exchange.client, found)))

    def stays(self, exchange: Exchange, found: Resolution, target: Target) -> None:
        """What the request goes on from is there, chosen or not."""
        if exchange.choice is not None and target not in found.targets:
            strategy, reason = exchange.choice.strategy, "it goes on from what this model said"
            if strategy:
                reason += f", whatever strategy {strategy} has"
            exchange.choice = told(structs.replace(exchange.choice, model=target.name, reason=reason))

    def _others(self, client: Client | None, found: Resolution) -> tuple[Target, ...]:
        """Every target that may be chosen, for a client whose requests may go there, but for those of `found`."""
        targets = {target.key: target for name in self._selection.models() for target in self._targets(name)}
        for target in found.targets:
            targets.pop(target.key, None)
        open_to = None if client is None else client.providers
        return tuple(one for one in targets.values() if open_to is None or one.provider.name in open_to)

    def _targets(self, name: str) -> tuple[Target, ...]:
        found = self._router.chosen(name)
        return found.targets if found is not None else ()

    def _deciding(self, exchange: Exchange, who_: Who, *, splits: bool) -> Deciding:
        named = exchange.headers.get(STRATEGY)
        if named is not None:
            return self._named[self._checked(exchange, named)]
        if splits and self._split is not None:
            return self._arms[_arm(self._split, who_, exchange)]
        found = self._known.get(self._active.name) or self._known.get(self._selection.strategy)
        if found is None:
            message = (
                f"No strategy is active, so nobody chooses for '{AUTO}': name a model, or set [selection] strategy."
            )
            raise Malformed(message, param="model", code="model_not_found", status=404)
        return found

    def _checked(self, exchange: Exchange, named: str) -> str:
        """A strategy that this client may name. Raises Malformed for any other."""
        _check_may(exchange.client)
        strategies = self._selection.strategies
        if named not in strategies:
            message = f"The header {STRATEGY} names no strategy that there is; {_known(named, strategies)}"
            raise Malformed(message, param=STRATEGY, code="invalid_value")
        return named

    def _who(self, exchange: Exchange) -> Who:
        """Whose it is; known already where anybody counts, and seldom told where nobody does."""
        if exchange.who is not NOBODY:
            return exchange.who
        headers, payload = exchange.headers, exchange.payload
        if TASK in headers or USER in headers or "metadata" in payload or any(one in payload for one in self._users):
            return who(exchange.client, headers, payload, exchange.codec.dialect)
        return NOBODY

    def _task(self, exchange: Exchange, who_: Who) -> str:
        """The task that the request says it is for. Raises Malformed for one that there is not."""
        tasks = self._selection.tasks
        if exchange.asked != AUTO:
            named = named_in(exchange.asked)
            if named in tasks:
                return named
            what = f"There is no task '{named[:_SHOWN]}' here" if named else f"'{exchange.asked}' names no task"
            message = f"{what}; {_known(named, tasks)}"
            exchange.who = structs.replace(exchange.who, task="")
            raise Malformed(message, param="model", code="model_not_found", status=404)
        if not who_.task:
            _check_type(exchange)
        elif who_.task not in tasks:
            raise self._no_task(exchange, who_.task)
        return who_.task

    def _no_task(self, exchange: Exchange, task: str) -> Malformed:
        """What is told of it; no record is to have it."""
        exchange.who = structs.replace(exchange.who, task="")
        where = TASK if TASK in exchange.headers else _FIELD
        message = f"{where} names a task that no model can be chosen for; {_known(task, self._selection.tasks)}"
        return Malformed(message, param=where, code="invalid_value")


def _check_type(exchange: Exchange) -> None:
    """Raises Malformed for a task in the body that is no text, of whoever may say one."""
    client, metadata = exchange.client, exchange.payload.get("metadata")
    task = metadata.get("task") if isinstance(metadata, dict) else None
    if task is not None and not isinstance(task, str) and (client is None or "task" in client.speaks_for):
        raise Malformed(f"{_FIELD} must be the name of a task, as text.", param=_FIELD, code="invalid_type")


def _known(name: str, names: Collection[str]) -> str:
    """The end of a sentence that tells what there is."""
    return f"known: {listed(names)}{nearest(name[:_SHOWN], names) or '.'}"


def _arm(experiment: Experiment, who_: Who, exchange: Exchange) -> str:
    """The user's, so that nobody sees now this and now that; a request of nobody's stands for itself."""
    return arm_of(experiment, who_.user or exchange.id)


def _check_may(client: Client | None) -> None:
    if client is None or client.may_choose_strategy:
        return
    message = (
        f"The client '{client.name}' may not say which strategy chooses, so {STRATEGY} is refused; "
        f"add may_choose_strategy = true to [clients.{client.name}] to allow it."
    )
    raise Malformed(message, param=STRATEGY, code=STRATEGY_REFUSED, status=403)


def _bound(exchange: Exchange, most: int | None) -> None:
    """Only what is counted can be held to it; whoever sets such a limit has it counted."""
    if most is not None and exchange.spend is not None:
        exchange.spend.at_most(most)
