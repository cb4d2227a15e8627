"""Reading only the end of an embeddings answer must tell what reading all of it tells."""

import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from translators.embeddings import adapt
from translators.ir import Usage
from translators.profile import Profile

PROFILE = Profile()
numbers = st.floats(-1, 1, width=32) | st.integers(-3, 3)
strings = st.sampled_from(
    ["", "]", '"', "]}", '],"usage":{"prompt_tokens":9},"model":"x', "\\", "m-1", '{"embedding":[1]}']
)
vectors = st.lists(numbers, max_size=4) | st.sampled_from(["AACAPw==", "", "AACAPwAAgD8="])
values = st.none() | st.booleans() | numbers | strings
extras = values | st.lists(values, max_size=2) | st.dictionaries(strings, values, max_size=2)
items = st.fixed_dictionaries(
    {"embedding": vectors}, optional={"object": st.just("embedding"), "index": st.integers(0, 9), "more": extras}
)
usages = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 99)}, optional={"details": extras, "total_tokens": extras}
)
answers = st.fixed_dictionaries(
    {"data": st.lists(items, max_size=4)},
    optional={
        "object": st.just("list"),
        "model": strings,
        "usage": usages,
        "id": strings,
        "more": extras,
        "other": extras,
    },
)


@st.composite
def bodies(draw):
    """An answer with its fields in any order, with or without spaces."""
    answer = draw(answers)
    order = draw(st.permutations(list(answer)))
    data = [{name: item[name] for name in draw(st.permutations(list(item)))} for item in answer["data"]]
    ordered = {name: data if name == "data" else answer[name] for name in order}
    spaces = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    return json.dumps(ordered, separators=spaces, indent=draw(st.none() | st.just(1))).encode()


@given(bodies(), st.sampled_from(["float", "base64"]))
def test_the_end_tells_what_the_whole_tells(body, encoding):
    answer = orjson.loads(body)
    adapted, usage, model, count = adapt(body, encoding, PROFILE)
    assert usage == (Usage(answer["usage"]["prompt_tokens"], 0) if "usage" in answer else None)
    assert model == answer.get("model", "")
    assert count == len(answer["data"])
    wanted = list if encoding == "float" else str
    told = [item["embedding"] for item in orjson.loads(adapted)["data"]]
    assert all(isinstance(vector, wanted) for vector in told)
    if all(isinstance(item["embedding"], wanted) for item in answer["data"]):
        assert adapted is body


@given(bodies())
def test_there_and_back_changes_no_vector(body):
    packed = adapt(body, "base64", PROFILE)[0]
    unpacked = adapt(packed, "float", PROFILE)[0]
    assert orjson.loads(adapt(unpacked, "base64", PROFILE)[0]) == orjson.loads(packed)
