"""What a client is told of a request that was mended."""

import pytest
from msgspec import structs

from proxy.mending import mends
from translators.faults import Malformed
from translators.ir import Message, Opaque, Reasoning, Request, Text, ToolCall
from translators.report import Mode

SEALED = Opaque("signature", "s", "gemini|p|m|")


def told(*items, repair="reasoning", translated=True):
    return mends(repair, lambda: Request(model="m", items=items), unnamed, translated=translated)


def unnamed(report, request):
    """The words of a chat client."""


@pytest.mark.parametrize(
    "item",
    [
        Reasoning("Hm.", SEALED),
        ToolCall("1", "f", "{}", opaque=SEALED),
        Message("assistant", (Text("a", opaque=SEALED),)),
    ],
)
def test_what_the_client_sent_sealed_is_lost_and_strict_clients_do_without_the_target(item):
    report = told(Message("user", (Text("?"),)), item)
    assert report.header() == "dropped=reasoning"
    assert report.blocking(Mode.STRICT)


def test_a_client_that_sent_nothing_sealed_loses_nothing_and_strict_mode_allows_it():
    report = told(Message("user", (Text("?"),)), ToolCall("1", "f", "{}"))
    assert report.header() == "approximated=reasoning.signature"
    assert report.blocking(Mode.STRICT) == []


def test_plain_thinking_is_lost_where_a_body_is_relayed_alone():
    assert told(Reasoning("Hm.")).header() == "approximated=reasoning.signature"
    assert told(Reasoning("Hm."), translated=False).header() == "dropped=reasoning"


def test_of_a_body_that_cannot_be_read_the_worst_is_told():
    def read():
        raise Malformed("it names a stored answer", param="previous_response_id")

    assert mends("reasoning", read, unnamed, translated=False).header() == "dropped=reasoning"


def test_the_client_reads_its_own_words():
    def name(report, request):
        report.entries = [structs.replace(entry, field="input") for entry in report.entries]

    report = mends("reasoning", lambda: Request(model="m", items=()), name, translated=True)
    assert report.header() == "approximated=input"


def test_a_summary_that_is_not_shown_is_a_field_of_its_own():
    assert told(repair="summary").header() == "dropped=reasoning.summary"
