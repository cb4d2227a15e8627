"""`[selection]`, `[tasks]`, `[strategies]` and `[experiments]`, and every mistake in them."""

import pytest

from proxy.config.choosing import environment_selection
from proxy.config.errors import ConfigErrors, Problems
from proxy.config.selection import Experiment, Levels, Strategy, Task
from tests.unit.proxy.config.conftest import ENV

FULL = """
[models.fast]
chain = ["alpha/mini"]
[embeddings.docs]
chain = ["alpha/embed"]

[selection]
strategy = "balanced"
[tasks.letters]
[tasks.parsing]
simple_below = 0.2
complex_from = 0.5
hint = -0.1

[strategies.balanced]
default = "gpt-4o"
fallback = "fast"
max_cost_per_request_usd = 0.05
[strategies.balanced.tasks]
letters = "beta/claude"
parsing = {simple = "fast", standard = "gpt-4o", complex = "beta/claude"}
[strategies.balanced.embeddings]
default = "docs"
search = "alpha/embed-3"
[strategies.cheap]
default = {standard = "fast", complex = "gpt-4o"}

[experiments.rollout]
strategies = {balanced = 66.7, cheap = 33.3}
[experiments.newer]
asked = "gpt-4o"
models = {"gpt-4o" = 90, "beta/claude" = 10}
"""


def one(name):
    return Levels(name, name, name)


def test_everything_that_can_be_said_is_read(load_text):
    found = load_text(FULL).config.selection
    assert (found.strategy, found.track) == ("balanced", True)
    assert found.tasks == {"letters": Task("letters"), "parsing": Task("parsing", 0.2, 0.5, -0.1)}
    assert found.strategies == {
        "balanced": Strategy(
            "balanced",
            one("gpt-4o"),
            {"letters": one("beta/claude"), "parsing": Levels("fast", "gpt-4o", "beta/claude")},
            {"default": "docs", "search": "alpha/embed-3"},
            "fast",
            50_000_000,
        ),
        "cheap": Strategy("cheap", Levels("fast", "fast", "gpt-4o")),
    }
    assert found.experiments == {
        "rollout": Experiment("rollout", (("balanced", 6670), ("cheap", 3330))),
        "newer": Experiment("newer", (("gpt-4o", 9000), ("beta/claude", 1000)), "gpt-4o"),
    }
    assert found.names() == ("auto", "auto/letters", "auto/parsing", "auto/search")
    assert set(found.models()) == {"gpt-4o", "fast", "beta/claude"}


def test_without_any_of_it_nothing_is_chosen(load_text):
    found = load_text("").config.selection
    assert (found.chooses, found.names(), found.folder) == (False, (), "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[selection]\nstrategy = 'balance'", "selection.strategy: there is no [strategies.balance]; known: balanced"),
        ("[selection]\nstrategi = 'x'", 'selection.strategi: is not a known key; did you mean "strategy"?'),
        ("[tasks.lettres]\nhint = 2", "tasks.lettres.hint: must be at least -1 and at most 1, not 2"),
        ("[tasks.a]\nsimple_below = 0.8", "tasks.a.complex_from: must not be less than simple_below: 0.7 is less"),
        ("[tasks.'a b']", 'tasks."a b": is no name, which has at most 64 letters'),
        ("[strategies.x]", "strategies.x.default: is missing"),
        ("[strategies.x]\ndefault = 'gpt-5o'", '"gpt-5o" is neither an entry of [models] nor provider/model; did you'),
        ("[strategies.x]\ndefault = 'gamma/m'", 'strategies.x.default: "gamma/m" is neither an entry of [models]'),
        ("[strategies.x]\ndefault = 'alpha/*'", 'strategies.x.default: "alpha/*" is neither an entry of [models]'),
        ("[strategies.x]\ndefault = {simple = 'gpt-4o'}", "strategies.x.default.standard: is missing"),
        ("[strategies.x]\ndefault = {standart = 'gpt-4o'}", "strategies.x.default.standart: is not a known key"),
        ("[strategies.x]\ndefault = 7", "strategies.x.default: must be text, not a whole number"),
        ("[strategies.x]\ndefault = 'gpt-4o'\nfallback = 'nobody'", 'strategies.x.fallback: "nobody" is neither'),
        ("[strategies.x]\ndefault = 'gpt-4o'\n[strategies.x.tasks]\nmail = 'gpt-4o'", "there is no [tasks.mail]"),
        ("[strategies.x]\ndefault = 'gpt-4o'\n[strategies.x.embeddings]\na = 'beta/e'", 'embeddings.a: "beta/e" is'),
        ("[strategies.x]\ndefault = 'gpt-4o'\nmax_cost_per_request_usd = 0", "must be more than 0"),
        ("[experiments.e]\nstrategies = {balanced = 60, cheap = 30}", "strategies: must come to 100 percent, not 90"),
        ("[experiments.e]\nstrategies = {balanced = 99.99, cheap = 0.02}", "must come to 100 percent, not 100.01"),
        ("[experiments.e]\nstrategies = {balanced = 100}", "strategies: must share between 2 and 20, not 1"),
        ("[experiments.e]\nstrategies = {balanced = 50, chep = 50}", 'did you mean "cheap"?'),
        ("[experiments.e]\nstrategies = {balanced = -1, cheap = 101}", "experiments.e.strategies.balanced: must be a"),
        ("[experiments.e]\nasked = 'gpt-4o'\nstrategies = {balanced = 50, cheap = 50}", "asked: goes with models"),
        ("[experiments.e]\nmodels = {'gpt-4o' = 50, 'beta/c' = 50}", "experiments.e.asked: is missing"),
        ("[experiments.e]\nasked = 'gpt-4o'\nmodels = {'gpt-4o' = 50, 'x' = 50}", 'models.x: "x" is neither'),
        ("[experiments.e]", "experiments.e: needs either strategies or models"),
        ("[models.auto]\nchain = ['alpha/x']", "models.auto: is what a client asks for that leaves the model to"),
        ("[embeddings.'auto/x']\nchain = ['alpha/x']", 'embeddings."auto/x": is what a client asks for'),
    ],
)
def test_a_mistake_is_told_with_its_place(mistakes, text, told):
    base = """
[strategies.balanced]
default = "gpt-4o"
[strategies.cheap]
default = "gpt-4o"
"""
    found = mistakes(base + text)
    assert any(told in line for line in found), found


def test_all_mistakes_are_told_at_once(mistakes):
    found = mistakes("[selection]\nstrategy = 'a'\n[tasks.t]\nhint = 'x'\n[strategies.s]\ndefault = 'nobody'")
    assert len(found) == 3


def test_two_experiments_cannot_take_the_same_requests(mistakes):
    text = FULL + '\n[experiments.again]\nasked = "gpt-4o"\nmodels = {"gpt-4o" = 50, fast = 50}'
    assert mistakes(text) == ["config.toml: experiments.again: takes requests for gpt-4o, as [experiments.newer] does"]


def test_the_environment_says_which_strategy_is_active_and_whether_it_is_kept_how_models_do(load_text, mistakes):
    env = {**ENV, "MODEL_SELECTION_STRATEGY": "cheap", "TRACK_MODEL_PERFORMANCE": "off"}
    found = load_text(FULL, env=env).config.selection
    assert (found.strategy, found.track) == ("cheap", False)
    assert load_text(FULL.replace("[selection]", "[selection]\ntrack = false")).config.selection.track is False
    wrong = {**ENV, "MODEL_SELECTION_STRATEGY": "chep", "TRACK_MODEL_PERFORMANCE": "maybe"}
    strategy, track = mistakes(FULL, env=wrong)
    assert strategy.endswith(
        'STRATEGY: there is no [strategies.chep]; known: balanced and cheap; did you mean "cheap"?'
    )
    assert track == 'environment variable TRACK_MODEL_PERFORMANCE: must be true or false, not "maybe"'


def test_without_a_file_there_is_no_strategy_to_name():
    problems = Problems("environment variable")
    assert environment_selection({"TRACK_MODEL_PERFORMANCE": "false"}, problems).track is False
    environment_selection({"MODEL_SELECTION_STRATEGY": "balanced"}, problems)
    with pytest.raises(ConfigErrors, match="without a file there are no strategies"):
        problems.stop()


def test_a_switch_is_kept_in_the_state_folder(load_text):
    env = {**ENV, "SIDESTEP_STATE_DIR": "/var/lib/sidestep"}
    assert load_text(FULL, env=env).config.selection.folder == "/var/lib/sidestep"


def test_a_client_may_be_limited_to_what_is_left_open(load_text, mistakes):
    app = (
        '\n[clients.app]\nkey_sha256 = ["'
        + "ab" * 32
        + '"]\nmay_choose_strategy = true\nmodels = ["auto", "auto/letters"]'
    )
    client = load_text(FULL + app).config.clients["app"]
    assert client.may_choose_strategy
    assert 'there is no model "auto"' in mistakes(app)[0]
