"""A recorder stays as long as its settings do."""

from proxy.config.values import RecordSettings
from proxy.recording.recorders import Recorders, standing


class Clock:
    def now(self):
        return 0.0

    def wall(self):
        return 0.0


def made():
    return Recorders(Clock(), lambda: {"targets": [], "providers": {}}, lambda _: None)


def test_without_a_file_nothing_records():
    assert made().recorder_for(RecordSettings()) is None


async def test_the_same_settings_keep_their_recorder_and_others_get_one(tmp_path):
    recorders = made()
    one, two = RecordSettings(str(tmp_path / "1")), RecordSettings(str(tmp_path / "1"), texts=True)
    first = recorders.recorder_for(one)
    assert recorders.recorder_for(one) is not first, "one that does not serve yet is nobody's"
    recorders.open(first)
    recorders.open(first)
    recorders.open(None)
    assert recorders.recorder_for(one) is first
    assert recorders.recorder_for(two) is not first
    first.dropped = 3
    recorders.keep([first])
    assert recorders.recorder_for(one) is first
    recorders.keep([None])
    await recorders.close()
    assert recorders.recorder_for(one) is not first
    assert recorders.dropped == 3


def target(name, **breaker):
    at_rest = {"state": "CLOSED", "reason": None, "failures": 0, "openings": 0, "opens_for_s": None, "ramp": None}
    return {"target": name, "throttled_for_s": breaker.pop("throttled", None), "breaker": at_rest | breaker}


def key(**told):
    return {"key": "abcd", "source": "env:K", "off": None, "off_for_s": None, "throttled_for_s": None} | told


def test_only_what_is_not_as_at_the_start_is_told():
    state = {
        "targets": [target("a/1"), target("a/2", state="OPEN"), target("a/3", failures=1), target("a/4", throttled=2)],
        "providers": {"a": [key(), key(off="auth", off_for_s=300)], "b": [key()]},
    }
    told = standing(state)
    assert [one["target"] for one in told["targets"]] == ["a/2", "a/3", "a/4"]
    assert told["keys"] == {"a": [{}, {"off": "auth", "off_for_s": 300}]}
    assert standing({"targets": [target("a/1")], "providers": {"b": [key()]}}) == {}
