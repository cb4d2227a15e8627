"""The table of fields in `docs/translation.md`, made from the Reports of the translators: `python -m tests.docs.fields`
writes it, and a test holds the document to it."""

from pathlib import Path

from msgspec import structs

from tests.docs.probes import BASES, PROBES
from tests.property.asking import PROFILES
from translators.catalog import PROVIDERS, codec
from translators.faults import Malformed
from translators.ir import Dialect

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
MARKS = "<!-- fields: begin -->", "<!-- fields: end -->"
CARRIED = "="
CLAUDE = Dialect.ANTHROPIC_MESSAGES
TARGETS = PROFILES | {CLAUDE: structs.replace(PROFILES[CLAUDE], thinking="default")}
"""Models that take all their dialect can say, and think."""


def verdict(client, target, body):
    """What becomes of a request of one field on its way to a target that takes all its dialect can say."""
    try:
        request = codec(client).parse_request({**BASES[client], **body})
    except Malformed as malformed:
        return f"400: {malformed}"
    _, report = codec(target).render_request(request, TARGETS[target])
    entries = {f"**{entry.verdict}**: {entry.why}".replace("|", "/") for entry in report.entries}
    return "; ".join(sorted(entries)) or CARRIED


def lines():
    for client, probes in PROBES.items():
        targets = [target for target in PROVIDERS if target is not client]
        yield f"### A client of {client}"
        yield ""
        yield f"| it says | {' | '.join(targets)} |"
        yield "|---|" + "---|" * len(targets)
        for name, body in probes.items():
            yield f"| {name} | {' | '.join(verdict(client, target, body) for target in targets)} |"
        yield ""


def generated(text):
    """The document with its table made anew."""
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    assert begin and end, "the document has no place for the table"
    return "\n".join([before + begin, "", *lines(), end + after])


if __name__ == "__main__":
    PAGE.write_text(generated(PAGE.read_text()))
