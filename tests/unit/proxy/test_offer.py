"""What a name means for whoever asks; every route is tried in tests/security/test_client_limits.py."""

import pytest
from msgspec import structs

from proxy.config.selection import Levels, Selection, Strategy, Task
from proxy.config.values import Client, Config, EmbeddingRoute, ModelRoute, Provider, Step
from proxy.offer import Offer, may_ask
from proxy.routing.resolve import Router
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile

ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", default_model="large")
BETA = Provider("beta", Dialect.OPENAI_CHAT, "https://beta.test", default_model="huge")


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(*name.split("/", 1)) for name in names)


MODELS = {
    "duo": ModelRoute("duo", steps("alpha/large", "beta/huge")),
    "a": ModelRoute("a", steps("alpha/large")),
    "b": ModelRoute("b", steps("beta/huge")),
}
STAR = {"*": ModelRoute("*", steps("alpha/*", "beta/*"))}
VECTORS = {"docs": EmbeddingRoute("docs", steps("beta/embed"))}


def offer(models=MODELS) -> Offer:
    config = Config({"alpha": ALPHA, "beta": BETA}, models, embeddings=VECTORS)
    return Offer(
        Router(config, lambda at, model: Profile(provider=at.name, model=model), lambda _: None), 1_700_000_000
    )


def client(**limits) -> Client:
    return Client("web", (), **limits)


def refused(call, *given) -> Malformed:
    with pytest.raises(Malformed) as caught:
        call(*given)
    return caught.value


@pytest.mark.parametrize(
    ("models", "name", "may"),
    [
        (None, "anything", True),
        (("gpt-4o",), "gpt-4o", True),
        (("gpt-4o",), "gpt-4o-mini", False),
        (("gpt-4o",), "GPT-4o", False),
        (("gpt-4o",), "openai/gpt-4o", False),
        (("gpt-*",), "gpt-4o", True),
        (("gpt-*",), "gpt-", True),
        (("gpt-*",), "gpt", False),
        (("a", "b*"), "beta/x", True),
        (("*",), "anything", True),
        ((), "anything", False),
    ],
)
def test_a_name_is_open_as_it_is_or_by_its_beginning(models, name, may):
    assert may_ask(client(models=models), name) is may


@pytest.mark.parametrize("who", [None, client(), client(models=("duo",)), client(providers=("beta", "alpha"))])
def test_who_is_not_limited_gets_the_chain_as_it_is(who):
    made = offer()
    found = made.chat(who, "duo")
    assert ([target.name for target in found.targets], found.barred) == (["alpha/large", "beta/huge"], ())
    assert found is made.chat(None, "duo")


def test_targets_at_closed_providers_are_left_out_and_named():
    found = offer().chat(client(providers=("beta",)), "duo")
    assert ([target.name for target in found.targets], found.barred) == (["beta/huge"], ("alpha/large",))


def test_a_chain_of_closed_providers_is_a_403():
    error = refused(offer().chat, client(providers=("beta",)), "a")
    assert (error.status, error.code, error.param) == (403, "provider_refused", "model")
    assert str(error) == ("Every target of 'a' is at a provider that is not open to the client 'web'; open are: beta.")


@pytest.mark.parametrize("name", ["b", "nobody-knows"])
def test_a_closed_model_is_a_404_whether_it_is_there_or_not(name):
    error = refused(offer().chat, client(models=("duo", "a")), name)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert str(error) == f"The model '{name}' is not open to the client 'web'; open are: duo, a."


def test_an_unknown_model_is_told_with_what_is_open_alone():
    error = refused(offer().chat, client(providers=("alpha",)), "x")
    assert str(error) == "The model 'x' is not configured here; known models: duo, a."
    assert "known models: duo, a, b, docs" in str(refused(offer().chat, None, "x"))


def test_vectors_are_limited_alike():
    assert offer().embeddings(client(models=("docs",)), "docs").targets[0].name == "beta/embed"
    assert refused(offer().embeddings, client(models=("duo",)), "docs").status == 404
    assert refused(offer().embeddings, client(providers=("alpha",)), "docs").status == 403


def test_where_any_model_may_be_asked_for_the_providers_hold_all_the_same():
    made, limited = offer(MODELS | STAR), client(providers=("alpha",))
    assert [target.name for target in made.chat(limited, "new").targets] == ["alpha/new"]
    assert refused(made.chat, limited, "beta/new").status == 403
    assert refused(made.chat, client(models=("alpha/*",)), "beta/new").status == 404


def test_a_model_that_the_configuration_chose_need_not_be_open_but_its_providers_must():
    assert offer().instead(client(models=("duo",)), "b").targets[0].name == "beta/huge"
    assert offer().instead(None, "b").targets[0].name == "beta/huge"
    assert offer().instead(client(providers=("alpha",)), "b") is None
    assert offer().instead(client(providers=("alpha",)), "duo").barred == ("beta/huge",)
    assert offer().instead(None, "nobody") is None


def test_what_passes_through_is_open_where_it_is_named_and_its_provider_is():
    made = offer()
    for free in (None, client(), client(models=("duo", "passthrough")), client(providers=("alpha",))):
        made.passes(free, "alpha")
    assert refused(made.passes, client(models=("duo",)), "alpha").status == 404
    assert refused(made.passes, client(providers=("beta",)), "alpha").status == 403


def test_only_what_is_open_is_listed():
    def listed(who):
        return [one["id"] for one in offer().listing(who, "", Dialect.OPENAI_CHAT)["data"]]

    assert listed(None) == listed(client()) == ["duo", "a", "b", "docs"]
    assert listed(client(models=("d*",))) == ["duo", "docs"]
    assert listed(client(providers=("alpha",))) == ["duo", "a"]
    assert listed(client(models=("b",), providers=("alpha",))) == []


def test_a_model_is_said_to_be_owned_by_a_provider_that_is_open():
    told = offer().listing(client(providers=("beta",)), "duo", Dialect.OPENAI_CHAT)
    assert told == {"id": "duo", "object": "model", "created": 1_700_000_000, "owned_by": "beta"}


def test_an_anthropic_clients_list_says_where_it_begins_and_ends():
    told = offer().listing(client(models=("a", "b")), "", Dialect.ANTHROPIC_MESSAGES)
    assert (told["first_id"], told["last_id"], told["has_more"]) == ("a", "b", False)
    none = offer().listing(client(models=("x",)), "", Dialect.ANTHROPIC_MESSAGES)
    assert (none["data"], none["first_id"], none["last_id"]) == ([], None, None)


@pytest.mark.parametrize("limits", [{"models": ("duo",)}, {"providers": ("alpha",)}])
def test_one_that_is_closed_is_not_found_by_its_id(limits):
    assert refused(offer().listing, client(**limits), "b", Dialect.OPENAI_CHAT).status == 404


# -- names that leave the model open


def choosing(models=MODELS) -> Offer:
    strategy = Strategy("s", Levels("a", "a", "a"))
    selection = Selection("s", tasks={"letters": Task("letters")}, strategies={"s": strategy})
    config = Config({"alpha": ALPHA, "beta": BETA}, models, selection=selection)
    return Offer(Router(config, lambda at, model: Profile(provider=at.name, model=model), lambda _: None), 0)


def test_names_that_leave_the_model_open_are_listed_for_whoever_may_ask_for_them():
    assert choosing().names(None)[-2:] == ("auto", "auto/letters")
    assert choosing().names(client(models=("auto", "a"))) == ("a", "auto", "auto/letters")
    assert choosing().names(client(models=("a",))) == ("a",)
    assert choosing().listing(None, "auto/letters", Dialect.OPENAI_CHAT)["owned_by"] == "sidestep"


@pytest.mark.parametrize("name", ["auto", "auto/letters"])
@pytest.mark.parametrize("models", [MODELS, STAR])
def test_where_nobody_chooses_a_model_that_is_left_open_is_not_found_and_it_is_said_why(name, models):
    """And no provider is asked for a model of that name."""
    error = refused(offer(models).chat, None, name)
    assert (error.status, error.code) == (404, "model_not_found")
    assert "no [strategies] are configured" in str(error)


def test_a_model_or_a_provider_that_is_called_so_stays_what_it_is_where_nobody_chooses():
    assert offer({"auto": ModelRoute("auto", steps("alpha/large"))}).chat(None, "auto").name == "auto"
    config = Config({"auto": structs.replace(ALPHA, name="auto")}, {"*": ModelRoute("*", steps("auto/*"))})
    router = Router(config, lambda at, model: Profile(provider=at.name, model=model), lambda _: None)
    assert Offer(router, 0).chat(None, "auto/large").targets[0].name == "auto/large"
