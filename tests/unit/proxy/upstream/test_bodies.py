"""Bodies put together within a limit, headers made readable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstream.bodies import collect, readable
from proxy.upstream.seam import TooLarge


async def chunks(*parts):
    for part in parts:
        yield part


@pytest.mark.parametrize(("parts", "whole"), [([], b""), ([b"a"], b"a"), ([b"a", b"", b"bc"], b"abc")])
async def test_parts_are_put_together(parts, whole):
    assert await collect(chunks(*parts), 3) == whole


async def test_a_body_over_the_limit_is_noticed_before_its_end():
    async def endless():
        while True:
            yield b"1234"

    with pytest.raises(TooLarge, match="10 bytes"):
        await collect(endless(), 10)


def test_names_are_lower_case_and_repeats_kept():
    assert readable([(b"X-A", b"1"), (b"x-a", b"2")]) == [("x-a", "1"), ("x-a", "2")]


@given(st.lists(st.tuples(st.sampled_from([b"a", b"A", b"b", b"\xff"]), st.binary(max_size=3)), max_size=6))
@settings(max_examples=60)
def test_a_name_with_a_value_outside_ascii_is_left_out_whole(raw):
    odd = {name.lower() for name, value in raw if not name.isascii() or not value.isascii()}
    assert readable(raw) == [(n.lower().decode(), v.decode()) for n, v in raw if n.lower() not in odd]
