"""From an asked name to targets, in order."""

import pytest

from proxy.config.selection import Levels, Selection, Strategy
from proxy.config.spending import Price
from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Provider, Step
from proxy.routing.resolve import MEMO_CAP, Router
from translators.ir import Dialect
from translators.profile import Profile

PREFIXES = {"gpt-": "openai", "text-embedding-": "openai", "claude-": "anthropic", "deepseek-": "deepseek"}


def provider(name: str, default: str | None = None, dialect: Dialect = Dialect.OPENAI_CHAT, **more) -> Provider:
    return Provider(
        name, dialect, f"https://{name}.example/v1", vendor=more.pop("vendor", name), default_model=default, **more
    )


OPENAI = provider("openai", "gpt-default")
ANTHROPIC = provider("anthropic", "claude-default", Dialect.ANTHROPIC_MESSAGES)
DEEPSEEK = provider("deepseek", "deepseek-default")


def vendor_of(model: str) -> str | None:
    return next((vendor for prefix, vendor in PREFIXES.items() if model.startswith(prefix)), None)


def router(*providers: Provider, **config) -> Router:
    made = Config({one.name: one for one in providers}, **{"models": {}} | config)
    return Router(made, lambda at, model: Profile(provider=at.name, model=model), vendor_of)


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(*name.split("/", 1)) for name in names)


def star(*names: str) -> dict[str, ModelRoute]:
    return {"*": ModelRoute("*", steps(*names))}


def names(found) -> list[str]:
    return [target.name for target in found.targets]


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("gpt-5", ["openai/gpt-5", "anthropic/claude-default"]),
        ("claude-x", ["openai/gpt-default", "anthropic/claude-x"]),
        ("my-own", ["openai/my-own", "anthropic/claude-default"]),
        ("deepseek-chat", ["openai/gpt-default", "anthropic/claude-default"]),
    ],
)
def test_an_asked_model_goes_unchanged_to_its_own_vendor_and_to_others_as_their_default(asked, order):
    assert names(router(OPENAI, ANTHROPIC, models=star("openai/*", "anthropic/*")).chat(asked)) == order


def test_the_order_of_the_chain_is_the_configurations_whatever_was_asked():
    found = router(OPENAI, ANTHROPIC, models=star("anthropic/*", "openai/*")).chat("gpt-5")
    assert names(found) == ["anthropic/claude-default", "openai/gpt-5"]


def test_a_named_entry_goes_before_the_star():
    models = star("openai/*") | {"fast": ModelRoute("fast", steps("deepseek/deepseek-x"))}
    assert names(router(OPENAI, DEEPSEEK, models=models).chat("fast")) == ["deepseek/deepseek-x"]


def test_provider_slash_model_reaches_a_provider_that_no_chain_names():
    found = router(OPENAI, DEEPSEEK, models=star("openai/*")).chat("deepseek/deepseek-chat")
    assert names(found) == ["deepseek/deepseek-chat"]


def test_without_a_star_only_listed_names_are_served():
    strict = router(OPENAI, DEEPSEEK, models={"fast": ModelRoute("fast", steps("openai/gpt-5"))})
    assert strict.chat("gpt-5") is None
    assert strict.chat("deepseek/deepseek-chat") is None


def test_a_target_named_twice_gets_one_turn():
    found = router(OPENAI, models=star("openai/*", "openai/gpt-5")).chat("gpt-5")
    assert names(found) == ["openai/gpt-5"]


def test_a_models_overrides_reach_its_targets():
    models = {"slow": ModelRoute("slow", steps("openai/gpt-5"), timeouts={"progress_s": 99.0})}
    (target,) = router(OPENAI, models=models).chat("slow").targets
    assert (target.timeouts.progress_s, target.timeouts.connect_s) == (99.0, 5.0)


def test_embeddings_of_the_star_never_leave_the_asked_models_space():
    zero = router(OPENAI, ANTHROPIC, DEEPSEEK, models=star("anthropic/*", "openai/*", "deepseek/*"))
    assert names(zero.embeddings("text-embedding-3-small")) == ["openai/text-embedding-3-small"]
    assert zero.embeddings("claude-x") is None


def test_embeddings_of_a_models_entry_stay_on_the_heads_model_id():
    mirror = provider("mirror")
    models = {"e": ModelRoute("e", steps("openai/embed-a", "mirror/embed-b", "mirror/embed-a"))}
    assert names(router(OPENAI, mirror, models=models).embeddings("e")) == ["openai/embed-a", "mirror/embed-a"]


def test_an_embeddings_entry_gives_its_chain_and_dimensions():
    entry = EmbeddingRoute("docs", steps("openai/embed-a", "deepseek/embed-a"), dimensions=256)
    found = router(OPENAI, DEEPSEEK, embeddings={"docs": entry}).embeddings("docs")
    assert (names(found), found.dimensions) == (["openai/embed-a", "deepseek/embed-a"], 256)


def test_listed_names_are_the_entries_and_the_stars_defaults():
    models = star("openai/*") | {"fast": ModelRoute("fast", steps("openai/gpt-5"))}
    assert router(OPENAI, DEEPSEEK, models=models).names() == (
        "fast",
        "gpt-default",
        "openai/gpt-default",
        "deepseek/deepseek-default",
    )


LOCAL = provider("local")
TUNED = provider("tuned", models={"llama-4": {}, "qwen-3": {}})


@pytest.mark.parametrize(
    ("providers", "chain", "listed"),
    [
        ([LOCAL, OPENAI], ["local/llama-4", "openai/*"], ("llama-4", "local/llama-4", "openai/gpt-default")),
        ([LOCAL], ["local/llama-4", "local/qwen-3"], ("llama-4", "local/llama-4", "local/qwen-3")),
        ([TUNED], ["tuned/*"], ("tuned/llama-4", "tuned/qwen-3")),
        ([ANTHROPIC, OPENAI], ["openai/*", "anthropic/*"],
         ("gpt-default", "openai/gpt-default", "anthropic/claude-default")),
        ([LOCAL], ["local/*"], ()),
    ],
)  # fmt: skip
def test_a_star_alone_lists_what_is_known_of_its_chain_and_of_the_providers(providers, chain, listed):
    """The head's model by its own name too, since so it is asked for with failover."""
    found = router(*providers, models=star(*chain))
    assert found.names() == listed
    for name in listed:
        assert found.chat(name).targets[0].model == name.rpartition("/")[2]


def test_a_name_that_means_another_provider_is_not_listed_for_the_head():
    """Some vendors' models are named `openai/...`; where there is such a provider, it would be asked."""
    groq = provider("groq", "openai/gpt-oss")
    assert router(groq, models=star("groq/*")).names() == ("openai/gpt-oss", "groq/openai/gpt-oss")
    both = router(groq, OPENAI, models=star("groq/*", "openai/*"))
    assert both.names() == ("groq/openai/gpt-oss", "openai/gpt-default")


def test_what_is_remembered_is_bounded():
    zero = router(OPENAI, models=star("openai/*"))
    for number in range(MEMO_CAP + 10):
        zero.chat(f"gpt-{number}")
    assert len(zero._memo) <= MEMO_CAP


def test_what_was_learned_of_models_counts_for_names_asked_before():
    window = {"now": 1}
    provider = Provider("a", Dialect.OPENAI_CHAT, "https://a.test")
    config = Config({"a": provider}, {"m": ModelRoute("m", (Step("a", "x"),))})
    router = Router(config, lambda *_: Profile(context_window=window["now"]), lambda _: None)
    assert router.chat("m").targets[0].profile.context_window == 1
    window["now"] = 2
    assert router.chat("m").targets[0].profile.context_window == 1
    router.forget()
    assert router.chat("m").targets[0].profile.context_window == 2


def test_every_target_has_the_price_of_its_model_at_its_provider():
    prices = {("a", "x"): Price(1, 2)}
    providers = {name: Provider(name, Dialect.OPENAI_CHAT, f"https://{name}.test") for name in "ab"}
    config = Config(providers, {"m": ModelRoute("m", (Step("a", "x"), Step("b", "x")))})
    router = Router(config, lambda *_: Profile(), lambda _: None, lambda at, model: prices.get((at.name, model)))
    assert [target.price for target in router.chat("m").targets] == [Price(1, 2), None]
    prices["b", "x"] = Price(3, 4)
    router.forget()
    assert [target.price for target in router.chat("m").targets] == [Price(1, 2), Price(3, 4)]


def test_it_leads_to_the_targets_of_its_names_at_their_providers_address_and_to_no_other():
    vectors = {"v": EmbeddingRoute("v", steps("openai/text-embedding-3"))}
    models = {"fast": ModelRoute("fast", steps("openai/gpt-5", "deepseek/*"))}
    made = router(OPENAI, DEEPSEEK, models=models, embeddings=vectors)
    base = "https://openai.example/v1"
    known = [
        ("openai", base, "gpt-5"),
        ("openai", base, "text-embedding-3"),
        ("deepseek", DEEPSEEK.base_url, "deepseek-default"),
    ]
    assert all(made.leads_to(key) for key in known)
    strange = [("openai", base, "gpt-4"), ("openai", "https://moved.example/v1", "gpt-5"), ("gone", base, "gpt-5")]
    assert not any(made.leads_to(key) for key in strange)


def test_where_any_model_may_be_asked_for_it_leads_to_all_of_its_providers():
    made = router(OPENAI, DEEPSEEK, models=star("openai/*"))
    assert made.leads_to(("deepseek", DEEPSEEK.base_url, "whatever"))
    assert not made.leads_to(("deepseek", "https://moved.example/v1", "whatever"))


def test_its_steps_are_the_targets_of_all_chains_in_order():
    vectors = {"v": EmbeddingRoute("v", steps("openai/text-embedding-3"))}
    models = {"fast": ModelRoute("fast", steps("openai/gpt-5", "deepseek/x")), **star("deepseek/*", "openai/gpt-5")}
    made = router(OPENAI, DEEPSEEK, models=models, embeddings=vectors)
    assert made.steps == ("openai/gpt-5", "deepseek/x", "deepseek/*", "openai/text-embedding-3")


# -- what the configuration itself chose


def test_it_tells_of_the_targets_that_the_configuration_speaks_of():
    entry = EmbeddingRoute("docs", steps("openai/embed-a"))
    models = {"fast": ModelRoute("fast", steps("deepseek/deepseek-x", "openai/gpt-5"))}
    assert _stated(router(OPENAI, DEEPSEEK, models=models, embeddings={"docs": entry})) == {
        "deepseek/deepseek-x", "openai/gpt-5", "openai/embed-a",
    }  # fmt: skip


def test_where_any_model_may_be_asked_for_it_tells_of_those_that_are_listed():
    """And of no model called `*`."""
    assert _stated(router(TUNED, ANTHROPIC, models=star("tuned/*", "anthropic/*"))) == {
        "tuned/llama-4", "tuned/qwen-3", "anthropic/claude-default",
    }  # fmt: skip


def _stated(one) -> set[str]:
    return {target.name for target in one.stated()}


def test_a_chosen_name_is_an_entry_or_one_target_and_a_fallbacks_targets_follow_once_each():
    models = {
        "fast": ModelRoute("fast", steps("openai/a", "anthropic/b")),
        "slow": ModelRoute("slow", steps("openai/z")),
    }
    made = router(OPENAI, ANTHROPIC, models=models)
    assert made.chosen("fast") == made.chat("fast")
    assert names(made.chosen("slow", "fast")) == ["openai/z", "openai/a", "anthropic/b"]
    assert made.chosen("slow", "fast").pool == 1
    assert names(made.chosen("anthropic/b", "fast")) == ["anthropic/b", "openai/a"]
    assert made.chosen("fast").pool is None
    assert made.chosen("nobody", "fast") is None
    assert made.chat("anthropic/b") is None, "a client may not ask for any target"


def test_what_a_fallback_says_of_its_calls_stays_with_its_targets():
    slow = ModelRoute("slow", steps("openai/z"), retry={"attempts_per_target": 1})
    made = router(OPENAI, ANTHROPIC, models={"slow": slow, **star("openai/*")})
    assert [one.retry.attempts_per_target for one in made.chosen("anthropic/b", "slow").targets] == [3, 1]


def test_chosen_vectors_are_an_entrys_or_one_targets():
    docs = EmbeddingRoute("docs", steps("openai/e"), 256)
    made = router(OPENAI, DEEPSEEK, embeddings={"docs": docs})
    assert made.vectors("docs").dimensions == 256
    assert names(made.vectors("deepseek/e")) == ["deepseek/e"]


def test_targets_that_only_a_strategy_names_are_known():
    """Or what was learned of them would be forgotten with each reload."""
    chosen = Strategy("s", Levels("fast", "fast", "anthropic/best"), embeddings={"default": "deepseek/e"})
    selection = Selection("s", strategies={"s": chosen})
    models = {"fast": ModelRoute("fast", steps("openai/a"))}
    made = router(OPENAI, ANTHROPIC, DEEPSEEK, models=models, selection=selection)
    assert made.steps == ("openai/a", "anthropic/best", "deepseek/e")
    assert made.leads_to(("anthropic", ANTHROPIC.base_url, "best"))
    assert made.leads_to(("deepseek", DEEPSEEK.base_url, "e"))
    assert not made.leads_to(("anthropic", ANTHROPIC.base_url, "other"))
