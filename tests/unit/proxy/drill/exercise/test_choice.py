"""Which chain is asked for what, and who meets the fault."""

import pytest
from msgspec import structs

from proxy.config.values import Config, ModelRoute, Step
from proxy.drill.exercise.choice import NoChoice, choose


def routes(chain, **chains):
    """The chain's providers under other routes: each a list of `provider/model`."""
    models = {name: ModelRoute(name, tuple(Step(*one.split("/")) for one in steps)) for name, steps in chains.items()}
    return structs.replace(chain(), models=models)


def test_without_a_name_it_is_the_head_of_the_first_chain_that_has_a_second_target(chain):
    config = routes(chain, solo=["alpha/a"], duo=["beta/b", "alpha/a"], trio=["alpha/a", "beta/b", "beta/c"])
    found = choose(config, None)
    assert (found.asked, found.target.name, found.names) == ("duo", "beta/b", ("beta/b", "alpha/a"))
    assert not found.alone


def test_where_no_chain_has_one_a_single_target_is_drilled_all_the_same(chain):
    found = choose(routes(chain, solo=["alpha/a"]), None)
    assert (found.asked, found.target.name, found.alone) == ("solo", "alpha/a", True)


def test_a_named_target_is_taken_where_it_stands_first_if_it_does(chain):
    config = routes(chain, one=["alpha/a", "beta/b"], two=["beta/b"], three=["beta/b", "alpha/a"])
    assert choose(config, "beta/b").asked == "three"
    assert choose(config, "alpha/a").asked == "one"


def test_a_providers_name_means_its_first_target(chain):
    found = choose(routes(chain, one=["alpha/a", "beta/b"]), "beta")
    assert (found.asked, found.target.name) == ("one", "beta/b")


def test_a_target_that_is_only_ever_second_is_drilled_there(chain):
    found = choose(routes(chain, one=["alpha/a", "beta/b"]), "beta/b")
    assert found.names == ("alpha/a", "beta/b")


def test_for_the_chain_of_all_names_a_model_is_found_to_ask_for(chain):
    config = routes(chain, **{"*": ["alpha/*", "beta/claude"]})
    assert choose(config, None).asked == "claude"
    named = structs.replace(config.providers["alpha"], default_model="gpt-x")
    assert choose(structs.replace(config, providers={**config.providers, "alpha": named}), None).asked == "gpt-x"
    assert choose(routes(chain, **{"*": ["alpha/*"]}), None).asked == "drill"


def test_a_name_that_no_chain_has_is_answered_with_those_there_are(chain):
    with pytest.raises(NoChoice, match="no chain has a target gamma; there are: alpha/large, beta/claude"):
        choose(chain(), "gamma")


def test_a_configuration_for_embeddings_alone_cannot_be_drilled():
    with pytest.raises(NoChoice, match="no chain for chat"):
        choose(Config({}, {}), None)
