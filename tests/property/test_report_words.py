"""Reports speak as the client: every field they name is one that the client wrote, in its own words."""

import re

import pytest

from tests.docs.fields import TARGETS
from tests.docs.probes import BASES, PROBES
from translators.catalog import PROVIDERS, codec
from translators.faults import Malformed
from translators.ir import Dialect

BOUNDS = {
    Dialect.OPENAI_CHAT: "max_completion_tokens",
    Dialect.OPENAI_RESPONSES: "max_output_tokens",
    Dialect.ANTHROPIC_MESSAGES: "max_tokens",
    Dialect.OPENAI_COMPLETIONS: "max_tokens",
    Dialect.GEMINI: "generationConfig",
}
"""What may be spoken of unasked: a provider that must be told a bound is told one."""
MARKERS = ("cache_control", "prompt_cache_breakpoint")
"""Told of once, wherever they stand."""
PAIRS = [(client, target) for client in PROBES for target in PROVIDERS if target is not client]


def fields(client, target, body):
    try:
        request = codec(client).parse_request(body)
    except Malformed:
        return []
    _, report = codec(target).render_request(request, TARGETS[target])
    report.rename(codec(client).naming(body), request.extra)
    return [entry.field for entry in report.entries]


def leads_somewhere(field, body):
    """Whether a path's first steps, down to an index, are in the body."""
    head, index = re.fullmatch(r"(\w+)(?:\[(\d+)\])?.*", field).groups()
    return head in body and (index is None or int(index) < len(body[head]))


@pytest.mark.parametrize(("client", "target"), PAIRS)
def test_what_a_report_names_is_in_the_clients_request(client, target):
    for name, probe in PROBES[client].items():
        body = {**BASES[client], **probe}
        for field in fields(client, target, body):
            known = field in MARKERS or field.startswith(BOUNDS[client])
            assert known or leads_somewhere(field, body), (name, field)
