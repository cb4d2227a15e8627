"""The command with which a configuration is tried."""

import pytest

from proxy.config.trying import curl
from proxy.config.values import Client, Config, ModelRoute, Provider, Step
from translators.ir import Dialect


def configured(*names, model="*", default="large", clients=()):
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", default_model=default)
    routes = {name: ModelRoute(name, (Step("alpha", model),)) for name in names}
    return Config({"alpha": provider}, routes, clients={name: Client(name, ("0" * 64,)) for name in clients})


@pytest.mark.parametrize(
    ("config", "model"),
    [
        (configured("*", "quick"), "quick"),
        (configured("*"), "large"),
        (configured("*", default=""), "MODEL"),
        (configured("*", model="small"), "small"),
        (configured(), "MODEL"),
    ],
    ids=["named", "default", "none known", "head of the chain", "no model"],
)
def test_it_asks_for_a_model_that_there_is(config, model):
    assert f'"model": "{model}"' in curl(config, "http://127.0.0.1:4600")


def test_it_asks_this_port_with_a_key_only_where_one_is_wanted():
    plain, guarded = (curl(configured("m", clients=clients), "http://h:1") for clients in ((), ("app",)))
    assert plain.startswith("curl -i http://h:1/v1/chat/completions ") and "Bearer" not in plain
    assert "authorization: Bearer YOUR-SIDESTEP-KEY" in guarded
