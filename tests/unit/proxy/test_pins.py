"""Who made which answer, and whom a request that goes on from one is for."""

import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.pins import ENTRIES_CAP, ID_CAP, ITEM_CAP, ITEM_TTL_S, TTL_S, Items, Pins, answer_named, keeper
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile


def target(name: str, model: str = "m") -> Target:
    provider = Provider(name, Dialect.OPENAI_RESPONSES, f"https://{name}.test")
    settings = BreakerSettings(), RetrySettings(), TimeoutSettings()
    return Target(provider, model, Profile(provider=name, model=model), *settings)


def test_an_answer_is_found_by_its_client_alone():
    pins = Pins()
    pins.remember("one", "resp_1", "alpha", 0.0)
    assert pins.maker("one", "resp_1", 1.0) == "alpha"
    assert pins.maker("two", "resp_1", 1.0) is None
    assert pins.maker("one", "resp_2", 1.0) is None


def test_an_answer_is_forgotten_after_a_day():
    pins = Pins()
    pins.remember("one", "resp_1", "alpha", 0.0)
    assert pins.maker("one", "resp_1", TTL_S - 1) == "alpha"
    assert pins.maker("one", "resp_1", TTL_S) is None


def test_the_oldest_answers_go_first_when_there_are_too_many():
    pins = Pins()
    for number in range(ENTRIES_CAP + 5):
        pins.remember("one", f"resp_{number}", "alpha", 0.0)
    assert pins.maker("one", "resp_4", 1.0) is None
    assert pins.maker("one", "resp_5", 1.0) == "alpha"


@pytest.mark.parametrize("answer", ["", "r" * (ID_CAP + 1)])
def test_what_cannot_be_an_id_is_not_kept(answer):
    pins = Pins()
    pins.remember("one", answer, "alpha", 0.0)
    assert pins.maker("one", answer, 1.0) is None


def test_the_maker_is_asked():
    chain = [target("alpha"), target("beta"), target("beta", "other")]
    assert keeper(chain, "beta", "previous_response_id") is chain[1]


def test_where_the_maker_is_not_known_the_only_provider_that_keeps_answers_is_asked():
    chain = [target("alpha"), target("alpha", "other")]
    assert keeper(chain, None, "conversation") is chain[0]


@pytest.mark.parametrize(
    ("chain", "maker", "said"),
    [
        (["alpha", "beta"], None, "alpha or beta"),
        ([], None, "this model has none"),
        (["alpha"], "gone", "kept by gone"),
        (["alpha"], "", "translated"),
    ],
)
def test_what_cannot_be_asked_of_anybody_names_the_field(chain, maker, said):
    with pytest.raises(Malformed) as bad:
        keeper([target(name) for name in chain], maker, "previous_response_id")
    assert bad.value.param == "previous_response_id" and bad.value.status == 400
    assert said in str(bad.value) and "'input'" in str(bad.value)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1/responses/resp_1", "resp_1"),
        ("/v1/responses/resp_1/input_items", "resp_1"),
        ("/v1/responses", ""),
        ("/v1/files/resp_1", ""),
    ],
)
def test_a_path_names_the_answer_that_it_speaks_of(path, named):
    assert answer_named(path) == named


def item(named, text=""):
    return {"id": named, "text": text}


def test_items_are_found_by_their_client_for_an_hour():
    items = Items()
    items.keep("one", item("msg_1"), 0.0)
    assert items.find("one", "msg_1", ITEM_TTL_S - 1) == b'{"id":"msg_1","text":""}'
    assert items.find("two", "msg_1", 1.0) is None
    assert items.find("one", "msg_1", ITEM_TTL_S) is None


def test_items_take_so_much_memory_and_no_more():
    items = Items(bytes_cap=20_000)
    for number in range(50):
        items.keep("one", item(f"msg_{number}", "x" * 1000), 0.0)
    assert items.size <= 20_000
    assert items.find("one", "msg_49", 1.0) is not None
    assert items.find("one", "msg_30", 1.0) is None


def test_an_item_that_changed_is_kept_as_it_is_now_and_counted_once():
    items = Items()
    items.keep("one", item("msg_1"), 0.0)
    size = items.size
    items.keep("one", item("msg_1", "x"), 0.0)
    assert items.size == size + 1
    assert b"x" in items.find("one", "msg_1", 1.0)


def test_old_items_go_when_new_ones_come():
    items = Items()
    items.keep("one", item("msg_1"), 0.0)
    size = items.size
    items.keep("one", item("msg_2"), ITEM_TTL_S)
    assert items.size == size


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "odd", [None, {}, {"id": 3}, {"id": ""}, {"id": "i" * (ID_CAP + 1)}, {"id": "i", "x": deep(400)}]
)
def test_what_cannot_be_kept_is_not(odd):
    items = Items()
    items.keep("one", odd, 0.0)
    assert items.size == 0


def test_an_item_beyond_the_bound_is_not_kept():
    items = Items()
    items.keep("one", item("msg_1", "x" * ITEM_CAP), 0.0)
    assert items.size == 0
