"""The targets of a configuration's chains, each once."""

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Step
from proxy.doctor.expected import expected


def test_each_target_stands_once_with_every_entry_that_names_it(kit):
    alpha, beta = (kit.provider(f"https://{name}.test/v1", name) for name in ("alpha", "beta"))
    steps = (Step("alpha", "large"), Step("beta", "large"))
    config = Config(
        {"alpha": alpha, "beta": beta},
        {"m": ModelRoute("m", steps), "n": ModelRoute("n", steps[:1])},
        {"e": EmbeddingRoute("e", (Step("alpha", "vec"),))},
    )
    found = expected(config)
    assert [(one.target.name, one.embeds, one.entries) for one in found] == [
        ("alpha/large", False, ('[models."m"]', '[models."n"]')),
        ("beta/large", False, ('[models."m"]',)),
        ("alpha/vec", True, ('[embeddings."e"]',)),
    ]
    assert [one.found.targets for one in found] == [(one.target,) for one in found]
    assert [one.provider for one in found] == ["alpha", "beta", "alpha"]


def test_any_model_stands_for_the_default_one_and_for_nothing_without(kit):
    alpha = kit.provider("https://alpha.test/v1", "alpha", default_model="usual")
    beta = kit.provider("https://beta.test/v1", "beta")
    steps = (Step("beta", "*"), Step("alpha", "*"))
    found = expected(Config({"alpha": alpha, "beta": beta}, {"*": ModelRoute("*", steps)}))
    assert [(one.target.name, one.target.profile.model) for one in found] == [("alpha/usual", "usual")]
    head = expected(Config({"alpha": alpha, "beta": beta}, {"*": ModelRoute("*", steps[::-1])}))
    assert [one.target.name for one in head] == ["alpha/usual"]
