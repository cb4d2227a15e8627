"""Whatever is configured, asked and out of order: who may not be called is not, and who may is found.

What forbids a target is told here without the code that decides: by abilities, budgets, breakers, waits and the
client's own providers alone.
"""

from hypothesis import given, settings

from tests.property.choosing import TARGETS, Proxy, askings, configurations, standings


def unable(target, asking, stands):
    """Whether its model lacks what the request needs."""
    return (
        (asking.tools and target in stands.toolless)
        or (asking.picture and target in stands.blind)
        or (asking.long and target in stands.narrow)
    )


def unpaid(target, limit, stands):
    """Whether a budget, or a limit of the request's cost, has no room for it."""
    return target.split("/")[0] in stands.spent or (limit and target in stands.dear)


def chosen(proxy, asking):
    """Whom the request may be answered by at all, and whether its cost is limited."""
    choice, strategies = proxy.exchange.choice, proxy.selection.strategies
    if choice is None:
        return proxy.router.chat(asking.model).targets, None
    strategy = strategies.get(choice.strategy)
    if strategy is None:
        return proxy.router.chosen(choice.model).targets, None
    return proxy.router.chosen(choice.model, strategy.fallback).targets, strategy.max_cost_per_request


@settings(max_examples=100)
@given(configurations(), standings, askings)
def test_selection_never_picks_a_target_that_ability_budget_or_breaker_forbids(configuration, stands, asking):
    proxy = Proxy(*configuration, stands)
    status = proxy.run(asking)
    targets, limit = chosen(proxy, asking)
    names = [target.name for target in targets]
    open_to = [name for name in names if not asking.providers or name.split("/")[0] in asking.providers]
    able = [name for name in open_to if not unable(name, asking, stands) and not unpaid(name, limit, stands)]
    free = [name for name in able if name not in stands.open and name not in stands.waiting]
    called = set(proxy.called)
    if free:
        assert called <= set(free)
        assert called, "somebody may be called"
        sound = [name for name in free if name.split("/")[0] not in stands.failing]
        assert (status == 200) == bool(sound)
    else:
        # Where nobody can be called, one that only its breaker shuts is asked once all the same.
        shut = [name for name in able if name in stands.open and name not in stands.waiting]
        assert len(proxy.called) == bool(shut)
        assert called <= set(shut)
    assert set(names) <= set(TARGETS)
