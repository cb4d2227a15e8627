"""What a client is told where its request was mended because a provider refused it (`Fault.repair`)."""

from collections.abc import Callable

from translators.faults import Malformed
from translators.ir import Reasoning, Request
from translators.remember import bare
from translators.report import Report

MENDED = {
    "reasoning": ("reasoning", "the provider did not accept what was kept of it"),
    "summary": ("reasoning.summary", "the provider shows it to verified organizations alone"),
}
"""What is left out, and why."""
RESIGNED = ("reasoning.signature", "the provider wants other signatures than stood beside the client's words")
"""The same where the client itself sent no thinking and no signature, so that nothing of its words is lost: what was
kept of them here is left out, or Google is told that there are none."""


def mends(
    repair: str, read: Callable[[], Request], name: Callable[[Report, Request], None], *, translated: bool
) -> Report:
    """`read` gives the client's own request, without what was put back into it, and may raise Malformed: a body that is
    relayed need not be one that can be read. `name` puts the client's words into its report."""
    report = Report()
    try:
        request = read()
    except Malformed:
        report.dropped(*MENDED[repair])
        return report
    if repair == "reasoning" and _is_bare(request, translated=translated):
        report.approximated(*RESIGNED)
    else:
        report.dropped(*MENDED[repair])
    name(report, request)
    return report


def _is_bare(request: Request, *, translated: bool) -> bool:
    """Whether nothing of what the client sent is left out: what is sealed, and of a relayed body all thinking."""
    thinks = not translated and any(isinstance(item, Reasoning) for item in request.items)
    return not thinks and bare(request).items == request.items
