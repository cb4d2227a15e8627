"""No provider ever billed more than the bounds of what it was asked, over all recorded exchanges that tell counts."""

import orjson
import pytest
from msgspec import structs

from proxy.tokens import UNSEEN, exact, worst_input
from tests.recorded import exchanges as recorded
from tests.recorded.counts import counted, profile_of
from translators.bounds import output_bound
from translators.catalog import PROVIDERS, codec
from translators.faults import Malformed
from translators.profile import Profile

pytestmark = pytest.mark.skipif(not recorded.FOLDER.is_dir(), reason="SIDESTEP_RECORDED names no folder")


def test_no_input_was_larger_than_its_bound():
    bounded = 0
    for one, usage in counted():
        fields = one["request_body"]
        most = worst_input(orjson.dumps(fields), fields, one["dialect"], profile_of(one))
        assert usage.input <= most, one["id"]
        bounded += most < UNSEEN
    assert bounded > 1000


def test_no_output_was_longer_than_its_bound():
    bounded = 0
    for one, usage in counted():
        most, answers = output_bound(one["dialect"], one["request_body"])
        assert most is None or usage.output <= most * answers, one["id"]
        bounded += most is not None
    assert bounded > 300


@pytest.mark.parametrize("target", PROVIDERS)
def test_every_request_has_a_bound_in_every_dialect_that_is_above_what_tiktoken_counts(target):
    """Of all the words that it says, in whatever form it is sent."""
    if exact("x", "gpt-4o") is None:
        pytest.skip("TIKTOKEN_CACHE_DIR names no vocabularies")
    profile, compared = Profile(provider="p", model="m", max_output=8192), 0
    for one in recorded.requests()[::7]:
        try:
            request = codec(one["dialect"]).parse_request(recorded.request_of(one))
        except Malformed:
            continue
        fields, _ = codec(target).render_request(request, structs.replace(profile))
        body = orjson.dumps(fields)
        words = " ".join(spoken(fields))
        assert worst_input(body, fields, target, profile) >= (exact(words[:200_000], "gpt-4o") or 0), one["id"]
        compared += 1
    assert compared > 200


def spoken(value):
    """Every text that stands in a body, but for the content of pictures and the like."""
    if isinstance(value, str):
        if not value.startswith("data:"):
            yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            if name != "data":
                yield from spoken(one)
    elif isinstance(value, list):
        for one in value:
            yield from spoken(one)
