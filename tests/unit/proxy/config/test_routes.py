"""Chains name configured targets; embedding chains never mix vector spaces."""

import pytest

from proxy.config.values import EmbeddingRoute, ModelRoute, Step

GAMMA = """
[providers.gamma]
dialect = "openai-chat"
base_url = "https://gamma.example/v1"
models = {blind = {embeddings = false}}
"""


def test_a_model_keeps_what_it_says(load_text):
    text = """
[models.careful]
chain = ["beta/claude/1:2", "alpha/*"]
defaults = {temperature = 0.7, seed = 3, tags = ["a", {b = 1.5}]}
max_output = 8192
mode = "strict"
failover_on_content = true
sticky = "none"
"""
    assert load_text(text).config.models["careful"] == ModelRoute(
        "careful",
        (Step("beta", "claude/1:2"), Step("alpha", "*")),
        defaults={"temperature": 0.7, "seed": 3, "tags": ["a", {"b": 1.5}]},
        max_output=8192,
        mode="strict",
        failover_on_content=True,
        sticky="none",
    )


def test_a_model_of_few_words_has_the_defaults(load_text):
    route = load_text("").config.models["gpt-4o"]
    assert (route.mode, route.failover_on_content, route.max_output, route.defaults) == ("warn", False, None, {})
    assert route.sticky == "signed"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", 'chain: is missing: say chain = ["provider/model", ...]'),
        ("chain = []", "chain: must name at least one target"),
        ('chain = "alpha/x"', "chain: must be a list, not text"),
        ("chain = [1]", "chain: entry 1 must be text"),
        ('chain = ["alpha"]', 'chain: entry 1 must be "provider/model", not "alpha"'),
        ('chain = ["alpha/"]', 'chain: entry 1 must be "provider/model", not "alpha/"'),
        ('chain = ["/x"]', 'chain: entry 1 must be "provider/model", not "/x"'),
        ('chain = ["alpha/x", "alfa/x"]', 'chain: entry 2 names "alfa", but there is no [providers.alfa]'),
        ('chain = ["alpha/x", "beta/x", "alpha/x"]', "chain: names alpha/x twice"),
        (f"chain = {[f'alpha/{n}' for n in range(17)]}", "chain: must name at most 16 targets, not 17"),
        ('chain = ["alpha/x"]\nmode = "stern"', 'mode: "stern" is not known; known: strict, warn and lenient'),
        ('chain = ["alpha/x"]\nsticky = "always"', 'sticky: "always" is not known; known: signed and none'),
        ('chain = ["alpha/x"]\nmax_output = 0', "max_output: must be at least 1"),
        ('chain = ["alpha/x"]\nmax_output = true', "max_output: must be a whole number, not true or false"),
        ('chain = ["alpha/x"]\nfailover_on_content = 1', "failover_on_content: must be true or false"),
        ('chain = ["alpha/x"]\ndefaults = {model = "y"}', "defaults.model: belongs to each request"),
        ('chain = ["alpha/x"]\ndefaults = {messages = []}', "defaults.messages: belongs to each request"),
        ('chain = ["alpha/x"]\ndefaults = {stream = true}', "defaults.stream: belongs to each request"),
        ('chain = ["alpha/x"]\ndefaults = {temperature = 3}', "defaults.temperature: must be at least 0 and at most 2"),
        ('chain = ["alpha/x"]\ndefaults = {top_p = "1"}', "defaults.top_p: must be a number, not text"),
        ('chain = ["alpha/x"]\ndefaults = {x = nan}', "defaults.x: must be a JSON value"),
        ('chain = ["alpha/x"]\ndefaults = {x = [2020-01-01]}', "defaults.x: must be a JSON value"),
        ('chain = ["alpha/x"]\nbreaker = {open_s = 0}', "breaker.open_s: must be more than 0"),
        ('chain = ["alpha/x"]\nretry = {tries = 1}', "retry.tries: is not a known key"),
        ('chain = ["alpha/x"]\ntimeouts = {progress = 1}', "timeouts.progress: is not a known key"),
        ('chain = ["alpha/x"]\nchian = []', 'chian: is not a known key; did you mean "chain"?'),
    ],
)  # fmt: skip
def test_every_mistake_of_a_model_has_its_path(mistakes, line, told):
    [one] = mistakes(f"[models.m]\n{line}")
    assert one.startswith(f"config.toml: models.m.{told}"), one


def test_names_that_are_no_bare_keys_are_quoted_in_paths(mistakes):
    assert mistakes('[models."a.b \\"c\\""]\nchain = []') == [
        'config.toml: models."a.b \\"c\\"".chain: must name at least one target'
    ]


@pytest.mark.parametrize("name", ["", "x" * 257])
def test_a_models_name_has_a_sensible_length(mistakes, name):
    [told] = mistakes(f'[models."{name}"]\nchain = ["alpha/x"]')
    assert "a model's name has 1 to 256 characters" in told


def test_an_embedding_chain_of_one_model_is_fine(load_text):
    text = '[embeddings.docs]\nchain = ["alpha/e3", "gamma/e3"]\ndimensions = 1024'
    assert load_text(GAMMA + text).config.embeddings["docs"] == EmbeddingRoute(
        "docs", (Step("alpha", "e3"), Step("gamma", "e3")), dimensions=1024
    )


def test_different_names_need_a_reason_why_they_share_a_space(load_text, mistakes):
    """A failover that changed the vector space would poison an index unseen."""
    text = '[embeddings.docs]\nchain = ["alpha/e3", "gamma/my-e3"]'
    assert mistakes(GAMMA + text) == [
        (
            "config.toml: embeddings.docs.chain: would mix the vectors of e3 and my-e3; name one model on every "
            'target, or say same_space = "why their vectors are of one space"'
        )
    ]
    route = load_text(GAMMA + text + '\nsame_space = "my-e3 is a deployment of e3"').config.embeddings["docs"]
    assert route.same_space == "my-e3 is a deployment of e3"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('chain = ["alpha/*"]', "chain: must name its models"),
        ('chain = ["alpha/e", "gamma/f"]\nsame_space = ""', "same_space: must be text of one line, and not empty"),
        ('chain = ["alpha/e", "gamma/f"]\nsame_space = true', "same_space: must be text, not true or false"),
        ('chain = ["alpha/e"]\ndimensions = 0', "dimensions: must be at least 1"),
        ('chain = ["alpha/e"]\ndimensions = 1024.0', "dimensions: must be a whole number"),
        ('chain = ["alpha/e"]\nmode = "warn"', "mode: is not a known key"),
        ('chain = ["delta/e"]', 'chain: entry 1 names "delta"'),
        ('chain = ["beta/e"]', "chain: beta/e cannot serve embeddings"),
        ('chain = ["gamma/blind"]', "chain: gamma/blind cannot serve embeddings"),
        ("dimensions = 3", "chain: is missing"),
    ],
)
def test_every_mistake_of_an_embedding_has_its_path(mistakes, line, told):
    [one] = mistakes(f"{GAMMA}[embeddings.docs]\n{line}")
    assert one.startswith(f"config.toml: embeddings.docs.{told}"), one
