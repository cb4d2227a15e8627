"""Choosing for whole requests: what they say, what their clients may, and where it leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from proxy.config.selection import Experiment, Levels, Selection, Strategy, Task
from proxy.config.values import Client, Config, EmbeddingRoute, ModelRoute, Provider, Step
from proxy.flow import Exchange, Who
from proxy.offer import Offer
from proxy.routing.resolve import Router
from proxy.selection.active import Active
from proxy.selection.chooser import Chooser
from translators.catalog import codec
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile

PROVIDERS = {name: Provider(name, Dialect.OPENAI_CHAT, f"https://{name}.test") for name in ("alpha", "beta", "gamma")}


def route(name, *targets):
    return ModelRoute(name, tuple(Step(*one.split("/")) for one in targets))


def one(name):
    return Levels(name, name, name)


MODELS = {
    "fast": route("fast", "alpha/mini", "beta/mini"),
    "large": route("large", "alpha/large"),
    "strong": route("strong", "beta/strong"),
}
STRATEGIES = {
    "cheap": Strategy("cheap", one("fast"), {"letters": one("large")}, {"default": "docs"}, fallback="large"),
    "good": Strategy(
        "good",
        Levels("fast", "large", "gamma/best"),
        {"letters": one("strong")},
        {"default": "docs", "search": "gamma/embed"},
        max_cost_per_request=5_000,
    ),
}
SELECTION = Selection(
    "cheap", tasks={"letters": Task("letters"), "maths": Task("maths", hint=0.9)}, strategies=STRATEGIES
)
ROLLOUT = Experiment("rollout", (("cheap", 5_000), ("good", 5_000)))
NEWER = Experiment("newer", (("large", 5_000), ("strong", 5_000)), "large")


class Spend:
    most = None

    def at_most(self, limit):
        self.most = limit


def offered(selection=SELECTION):
    """The chooser, what is offered, and what is active."""
    vectors = {"docs": EmbeddingRoute("docs", (Step("alpha", "embed"), Step("beta", "embed")))}
    config = Config(PROVIDERS, MODELS, embeddings=vectors, selection=selection)
    router = Router(config, lambda at, model: Profile(provider=at.name, model=model), lambda _: None)
    active = Active(selection, lambda *_: None, lambda: 0.0)
    return Chooser(selection, router, active), Offer(router, 0), active


def asked(model="auto", *, client=None, who=None, id_="req_1", metadata=None, **headers):
    headers = {f"x-sidestep-{name}": value for name, value in headers.items()}
    exchange = Exchange(
        *(id_, "chat", "POST", "/", headers, None, "", None, codec(Dialect.OPENAI_CHAT), 0.0),
        client=client,
        asked=model,
    )
    exchange.payload = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    if metadata is not None:
        exchange.payload["metadata"] = metadata
    if who is not None:
        exchange.who = who
    return exchange


def chosen(exchange, selection=SELECTION, what="chat", active=None):
    chooser, offer, found = offered(selection)
    found.name = found.name if active is None else active
    return offer.chosen(exchange, getattr(chooser, what))


def refused(exchange, *given, **more):
    with pytest.raises(Malformed) as caught:
        chosen(exchange, *given, **more)
    return caught.value


def names(found):
    return [target.name for target in found.targets]


def test_the_active_strategy_decides_and_its_fallback_follows_without_repeats():
    found = chosen(exchange := asked())
    assert (names(found), found.pool) == (["alpha/mini", "beta/mini", "alpha/large"], 2)
    assert (exchange.choice.strategy, exchange.choice.model) == ("cheap", "fast")
    assert names(chosen(asked("auto/letters"))) == ["alpha/large"]


@pytest.mark.parametrize(
    ("exchange", "model"),
    [
        (asked(), "fast"),
        (asked("auto/letters"), "strong"),
        (asked(task="letters"), "strong"),
        (asked(metadata={"task": "letters"}), "strong"),
        (asked(who=Who(task="letters")), "strong"),
        (asked("auto/letters", task="maths"), "strong"),
        (asked("auto/maths"), "gamma/best"),
        (asked(metadata={"task": None}), "fast"),
        (asked(task="letters", metadata={"task": 7}), "strong"),
    ],
)
def test_a_request_says_its_task_by_its_model_by_a_header_or_in_its_metadata(exchange, model):
    chosen(exchange, active="good")
    assert exchange.choice.model == model


def test_a_target_that_is_no_entry_is_served_by_itself():
    found = chosen(asked("auto/maths"), active="good")
    assert (names(found), found.route.chain) == (["gamma/best"], (Step("gamma", "best"),))


def test_a_request_may_name_its_strategy():
    chosen(exchange := asked(strategy="good"))
    assert exchange.choice.strategy == "good"
    assert "the request names it" in exchange.choice.reason


@pytest.mark.parametrize(
    ("exchange", "told"),
    [
        (asked("auto/mail"), (404, "model_not_found", "There is no task 'mail' here; known: letters and maths")),
        (asked(task="letter"), (400, "invalid_value", "x-sidestep-task names a task that no model can be chosen for")),
        (asked(metadata={"task": "x"}), (400, "invalid_value", "metadata.task names a task")),
        (asked("auto/"), (404, "model_not_found", "'auto/' names no task; known: letters and maths.")),
        (asked(metadata={"task": ["letters"]}), (400, "invalid_type", "metadata.task must be the name of a task")),
        (asked(metadata={"task": 7}), (400, "invalid_type", "metadata.task must be the name of a task")),
        (asked(strategy="goood"), (400, "invalid_value", 'known: cheap and good; did you mean "good"?')),
        (asked(strategy=""), (400, "invalid_value", "names no strategy")),
        (asked(user="x" * 200), (400, "invalid_value", "x-sidestep-user must be a name")),
    ],
)
def test_what_is_not_configured_is_refused_by_its_name(exchange, told):
    error = refused(exchange)
    assert (error.status, error.code) == told[:2]
    assert told[2] in str(error)
    assert str(error).endswith((".", "?")) and "?." not in str(error)
    assert exchange.choice is None


@pytest.mark.parametrize("exchange", [asked("auto/mail"), asked(task="mail"), asked(metadata={"task": "mail"})])
def test_a_task_that_is_refused_is_not_recorded(exchange):
    exchange.who = Who(user="ann", task="mail")
    refused(exchange)
    assert exchange.who == Who(user="ann")


def test_a_header_says_a_task_that_there_is_whichever_model_is_asked_for():
    """An embedding's use may stand there too. Where no tasks are configured, any name may."""
    chooser, _, _ = offered()
    for task in ("letters", "search"):
        chooser.check_said(asked("large", task=task))
    with pytest.raises(Malformed, match="x-sidestep-task names a task that no model can be chosen for; known: let"):
        chooser.check_said(asked("large", task="mail"))
    untasked, _, _ = offered(structs.replace(SELECTION, tasks={}))
    untasked.check_said(asked("large", task="mail"))


def test_a_strategy_that_there_is_not_is_refused_whichever_model_is_asked_for():
    chooser, _, _ = offered()
    chooser.check_said(asked("large", strategy="good"))
    with pytest.raises(Malformed, match="x-sidestep-strategy names no strategy that there is; known: cheap and good"):
        chooser.check_said(asked("large", strategy="best"))
    with pytest.raises(Malformed, match="may_choose_strategy = true"):
        chooser.check_said(asked("large", client=Client("app", ()), strategy="good"))
    without, _, _ = offered(Selection(experiments={"newer": NEWER}))
    without.check_said(asked("large", strategy="best"))


def test_a_client_names_strategies_only_where_it_may():
    error = refused(asked(client=Client("app", ()), strategy="good"))
    assert (error.status, error.code, error.param) == (403, "strategy_refused", "x-sidestep-strategy")
    assert "may_choose_strategy = true" in str(error)
    chosen(exchange := asked(client=Client("app", (), may_choose_strategy=True), strategy="good"))
    assert exchange.choice.strategy == "good"


def test_a_client_says_its_task_only_where_it_may():
    """As it does for budgets."""
    error = refused(asked(client=Client("app", ()), task="letters"))
    assert (error.status, error.code) == (403, "identity_refused")
    chosen(exchange := asked(client=Client("app", ()), metadata={"task": "letters"}))
    assert exchange.choice.task == ""
    chosen(exchange := asked("auto/letters", client=Client("app", ())))
    assert exchange.choice.task == "letters"
    chosen(asked(client=Client("app", ()), metadata={"task": 7}))


@pytest.mark.parametrize(
    ("models", "model", "open_"),
    [
        (("auto",), "auto", True),
        (("auto",), "auto/letters", True),
        (("auto/letters",), "auto/letters", True),
        (("auto/*",), "auto/letters", True),
        (("auto/letters",), "auto", False),
        (("fast",), "auto", False),
    ],
)
def test_a_client_with_models_of_its_own_needs_auto_among_them(models, model, open_):
    exchange = asked(model, client=Client("app", (), models=models))
    if open_:
        assert chosen(exchange).targets
    else:
        assert (refused(exchange).status, exchange.choice) == (404, None)


def test_nobody_chooses_where_nothing_is_active():
    none = Selection(tasks=SELECTION.tasks, strategies=STRATEGIES)
    error = refused(asked(), none)
    assert (error.status, error.code) == (404, "model_not_found")
    assert "No strategy is active" in str(error)
    assert chosen(asked(strategy="good"), none).targets


def test_a_strategy_that_this_configuration_lacks_gives_way_to_its_own():
    chosen(exchange := asked(), active="elsewhere")
    assert exchange.choice.strategy == "cheap"


def test_what_a_request_may_cost_by_its_strategy_is_told_to_whoever_counts():
    exchange = asked(strategy="good")
    exchange.spend = Spend()
    chosen(exchange)
    assert exchange.spend.most == 5_000
    exchange = asked()
    exchange.spend = Spend()
    chosen(exchange)
    assert exchange.spend.most is None


def test_vectors_are_chosen_by_their_use():
    assert names(chosen(asked(), what="embeddings")) == ["alpha/embed", "beta/embed"]
    assert names(chosen(asked("auto/search"), what="embeddings", active="good")) == ["gamma/embed"]
    assert "vectors of the use ''" in str(refused(asked("auto/"), what="embeddings"))
    error = refused(asked("auto/search"), what="embeddings")
    assert (error.status, str(error)) == (
        404,
        "The strategy cheap has no model for vectors of the use 'search'; it has default.",
    )


def split(*experiments):
    return structs.replace(SELECTION, experiments={one.name: one for one in experiments})


def test_an_experiment_gives_every_user_one_arm():
    seen = {}
    for user in (f"u{n}" for n in range(40)):
        arms = set()
        for n in range(3):
            chosen(exchange := asked(user=user, id_=f"req_{n}"), split(ROLLOUT))
            arms.add((exchange.choice.experiment, exchange.choice.arm, exchange.choice.strategy))
        [seen[user]] = arms
    assert set(seen.values()) == {("rollout", "cheap", "cheap"), ("rollout", "good", "good")}


def test_a_switch_moves_nobody_out_of_an_arm():
    arms = []
    for active in ("cheap", "good"):
        seen = [asked(user=f"u{n}") for n in range(20)]
        for exchange in seen:
            chosen(exchange, split(ROLLOUT), active=active)
        arms.append([(exchange.choice.arm, exchange.choice.strategy) for exchange in seen])
    assert arms[0] == arms[1]
    assert set(arms[0]) == {("cheap", "cheap"), ("good", "good")}


def test_a_request_of_nobodys_stands_for_itself():
    arms = set()
    for n in range(40):
        chosen(exchange := asked(id_=f"req_{n}"), split(ROLLOUT))
        arms.add(exchange.choice.arm)
    assert arms == {"cheap", "good"}


def test_a_request_that_names_its_strategy_is_in_no_experiment():
    chosen(exchange := asked(strategy="good"), split(ROLLOUT))
    assert exchange.choice.experiment == ""


def test_no_experiment_decides_about_vectors():
    for n in range(20):
        chosen(exchange := asked(id_=f"req_{n}"), split(ROLLOUT), what="embeddings")
        assert (exchange.choice.strategy, exchange.choice.experiment) == ("cheap", "")


def test_an_experiment_of_models_takes_the_requests_for_one_model_alone():
    chooser, _, _ = offered(split(NEWER))
    assert [chooser.takes(name) for name in ("large", "strong", "fast", "auto")] == [True, False, False, True]
    arms = set()
    for n in range(40):
        found = chosen(exchange := asked("large", user=f"u{n}"), split(NEWER))
        arms.add((exchange.choice.model, *names(found)))
        assert exchange.choice.score is None
    assert arms == {("large", "alpha/large"), ("strong", "beta/strong")}


def test_without_strategies_auto_is_a_name_like_any_other():
    chooser, _, _ = offered(Selection(experiments={"newer": NEWER}))
    assert not chooser.takes("auto")


# -- what goes on from an earlier answer


def test_a_tool_loop_goes_on_where_its_thinking_is_from_even_if_another_is_chosen_now():
    chooser, _, _ = offered()
    found = chooser.chat(exchange := asked())
    origin = str(Profile(provider="beta", model="strong").origin(""))
    assert chooser.kept(exchange, found, lambda: "") is found
    assert chooser.kept(asked("fast"), found, lambda: origin) is found
    cheaper = structs.replace(found, name="large")
    assert chooser.kept(exchange, cheaper, lambda: origin) is cheaper, "what a budget gave way to is not undone"
    kept = chooser.kept(exchange, found, lambda: origin)
    assert names(kept) == ["beta/strong", *names(found)]
    assert (exchange.choice.model, exchange.choice.strategy) == ("beta/strong", "cheap")
    assert "goes on" in exchange.choice.reason


def test_a_tool_loop_of_a_chosen_target_is_left_to_the_chain():
    chooser, _, _ = offered()
    found = chooser.chat(exchange := asked())
    assert chooser.kept(exchange, found, lambda: str(Profile(provider="beta", model="mini").origin(""))) is found


def test_whoever_may_have_been_chosen_before_may_keep_what_is_gone_on_from():
    chooser, _, _ = offered()
    found = chooser.chat(exchange := asked(client=Client("app", (), providers=("alpha", "beta"))))
    assert names(chooser.widened(exchange, found)) == [*names(found), "beta/strong"]
    assert chooser.widened(asked("fast"), found) is found


PROVIDER_SETS = st.sets(st.sampled_from(sorted(PROVIDERS)), min_size=1)


@given(
    PROVIDER_SETS,
    st.sampled_from(["cheap", "good"]),
    st.sampled_from(["auto", "auto/letters", "auto/maths", "large"]),
    st.text(max_size=3),
    st.sampled_from(["chat", "embeddings"]),
    st.sampled_from(["", *(str(Profile(provider=name, model="best").origin("")) for name in PROVIDERS)]),
)
def test_nobody_is_chosen_whom_the_clients_requests_may_not_go_to(providers, active, model, user, what, origin):
    client = Client("app", (), providers=tuple(providers), speaks_for=("user",))
    exchange = asked(model, client=client, **({"user": user} if user.isprintable() and user else {}))
    chooser, offer, found = offered(split(ROLLOUT, NEWER))
    found.name = active
    try:
        result = offer.chosen(exchange, getattr(chooser, what))
    except Malformed:  # nobody is left
        return
    if what == "chat":
        result = chooser.widened(exchange, chooser.kept(exchange, result, lambda: origin))
    assert {target.provider.name for target in result.targets} <= providers
    assert all(name.split("/")[0] not in providers for name in result.barred)
    assert result.pool is None or result.pool <= len(result.targets)
