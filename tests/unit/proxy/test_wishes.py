"""What headers ask of an answer."""

import pytest

from proxy.config.values import Client, ModelRoute
from proxy.flow import Exchange
from proxy.routing.resolve import Resolution
from proxy.wishes import mode_of
from translators.catalog import codec
from translators.ir import Dialect
from translators.report import Mode

FOUND = Resolution("m", "", (), ModelRoute("m", (), mode="strict"))


@pytest.fixture
def exchange() -> Exchange:
    told = {"id": "req_1", "route": "chat", "method": "POST", "path": "/", "read": None, "peer": "", "out": None}
    return Exchange(**told, headers={}, codec=codec(Dialect.OPENAI_CHAT), started=0.0)


def test_without_a_header_the_models_setting_counts(exchange):
    assert mode_of(exchange, FOUND) is Mode.STRICT


def test_the_clients_own_setting_outranks_the_models_and_the_header_outranks_both(exchange):
    exchange.client = Client("app", (), "lenient")
    assert mode_of(exchange, FOUND) is Mode.LENIENT
    exchange.headers["x-sidestep-mode"] = "warn"
    assert mode_of(exchange, FOUND) is Mode.WARN
