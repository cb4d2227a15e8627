"""The targets by name: each a function of bytes that returns, or raises where an invariant is broken."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.fuzz.scene import CLIENTS, UPSTREAMS
from tests.fuzz.targets import bodies, fields, heads, settings, streams

CORPUS = Path(__file__).parent / "corpus"

Check = Callable[[bytes], None]

TARGETS: Mapping[str, Check] = {
    "config": settings.check,
    "headers": fields.check_headers,
    "hints": fields.check_hints,
    "http-in": heads.check_in,
    "http-out": heads.check_out,
    "models": bodies.check_models,
    "sse": streams.check_sse,
    "times": fields.check_times,
    "vectors": bodies.check_vectors,
    **{f"request-{one}": partial(bodies.check_request, one) for one in CLIENTS},
    **{f"reader-{one}": partial(streams.check_reader, one) for one in UPSTREAMS},
    **{f"reply-{one}": partial(bodies.check_reply, one) for one in UPSTREAMS},
    **{f"fault-{one}": partial(bodies.check_fault, one) for one in UPSTREAMS},
}
