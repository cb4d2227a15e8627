"""An operator takes targets out: which breakers open, and what is told of it."""

import pytest
from msgspec import structs

from proxy.admin.trips import NAMED, Trips
from proxy.config.hidden import Secret
from proxy.config.values import Config, ModelRoute, Provider, ProviderKey, Step
from proxy.resilience.breaker import State
from proxy.resilience.targets import Registry
from proxy.routing.resolve import Router
from translators.ir import Dialect
from translators.profile import Profile

T = 1000.0
LONG = "x" * 900
KEYS = tuple(ProviderKey(f"env:{name}", Secret(name)) for name in "AB")
ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1", keys=KEYS)
BETA = Provider("beta", Dialect.OPENAI_CHAT, "https://beta.test/v1")


class Clock:
    def now(self):
        return T

    def wall(self):
        return 1.7e9


class Scene:
    """Two chains with one target in common; `others` are more of them."""

    def __init__(self, **others):
        self.changes, self.told = [], []
        self.registry = Registry(lambda: 0.0, b"k", lambda *change: self.changes.append(change))
        self.configure(ALPHA, one="alpha/x beta/y", two="beta/z alpha/x", **others)
        self.trips = Trips(self.registry, lambda: self.router, Clock(), lambda *said: self.told.append(said))

    def configure(self, alpha, **chains):
        models = {
            name: ModelRoute(name, tuple(Step(*step.split("/")) for step in chain.split()))
            for name, chain in chains.items()
        }
        config = Config({"alpha": alpha, "beta": BETA}, {name.replace("any", "*"): one for name, one in models.items()})
        self.router = Router(config, lambda *_: Profile(), lambda _: None)

    def called(self, model, name="alpha/x"):
        """The target of a name, as a request for the model calls it."""
        [target] = [one for one in self.router.chat(model).targets if one.name == name]
        return self.registry.target(target, T)

    def open(self):
        return sorted(one.name for one in self.registry.targets() if one.breaker.state(T) is State.OPEN)


@pytest.fixture
def scene():
    return Scene()


def test_a_target_is_out_of_every_chain_and_with_every_key(scene):
    assert scene.called("one") is scene.called("two")
    scene.called("one", "beta/y")
    scene.trips.trip("alpha/x", "me")
    assert scene.open() == ["alpha/x"]
    assert all(scene.called(model).breaker.admit(T, 30.0) is None for model in ("one", "two"))
    assert scene.registry.keys(ALPHA).choose(T) is not None, "its keys serve other models"


def test_it_tells_how_the_target_stands_then_and_who_did_it(scene):
    told = scene.trips.trip("alpha/x", "127.0.0.1")
    assert (told["target"], told["breaker"]["state"], told["breaker"]["reason"]) == ("alpha/x", "OPEN", "manual")
    assert told["breaker"]["opens_for_s"] == told["breaker"]["admits_in_s"] == 30.0
    assert scene.told == [("alpha/x", "127.0.0.1")]


def test_one_that_was_never_called_is_out_before_its_first_request(scene):
    scene.trips.trip("beta/z", "me")
    assert scene.open() == ["beta/z"]
    assert scene.called("two", "beta/z").breaker.admit(T, 30.0) is None


def test_a_state_that_is_there_keeps_its_settings(scene):
    """Those that the last request brought: a chain may have settings of its own."""
    target = scene.router.chat("one").targets[0]
    patient = structs.replace(target, breaker=structs.replace(target.breaker, open_s=7.0))
    scene.registry.target(patient, T)
    assert scene.trips.trip("alpha/x", "me")["breaker"]["opens_for_s"] == 7.0


def test_what_requests_from_before_a_move_still_meet_is_out_too(scene):
    former = scene.called("one")
    scene.configure(structs.replace(ALPHA, base_url="https://moved.test/v1"), one="alpha/x beta/y")
    former.enter()
    told = scene.trips.trip("alpha/x", "me")
    assert scene.open() == ["alpha/x", "alpha/x"]
    assert told["in_flight"] == 0, "the one that requests of now meet is told of"


def test_of_any_model_those_that_were_called_are_known_besides_the_listed():
    scene = Scene(any="alpha/x beta/*")
    with pytest.raises(LookupError):
        scene.trips.trip("beta/any", "me")
    scene.called("beta/any", "beta/any")
    assert scene.trips.trip("beta/any", "me")["breaker"]["state"] == "OPEN"


def test_an_unknown_one_changes_nothing_and_is_told_what_there_is(scene):
    with pytest.raises(LookupError) as caught:
        scene.trips.trip("alpha/y", "me")
    [told] = caught.value.args
    assert told == "There is no target 'alpha/y' here, as PROVIDER/MODEL; known: alpha/x, beta/y, beta/z."
    assert (scene.open(), scene.told, scene.changes) == ([], [], [])


def test_what_is_told_has_bounds():
    """Where any model may be asked for, clients choose the names."""
    scene = Scene(any="alpha/x beta/*")
    for number in range(100):
        scene.called(f"beta/m{number}{LONG}", f"beta/m{number}{LONG}")
    with pytest.raises(LookupError) as caught:
        scene.trips.trip("x" * 4000, "me")
    [told] = caught.value.args
    assert told.count("/") == 1 + NAMED
    assert told.endswith(f" and {4 + 100 - NAMED} more.")
    assert len(told) < 200 + 110 * NAMED
