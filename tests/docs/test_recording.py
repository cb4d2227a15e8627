"""The form of a recording, and what is compared, are what the page says."""

import re
from pathlib import Path

import pytest

from proxy.cli.record import BYTES
from proxy.config.values import RecordSettings
from proxy.recording.form import Call, Line, Stopped, Talk, Tried
from proxy.recording.masking import BLOBS
from proxy.recording.telling import ASKED
from proxy.replay import compare

PAGE = "docs/recording.md"
TEXT = (Path(__file__).parents[2] / PAGE).read_text()


def named(rows):
    return {name for row in rows for name in row["field"].split(", ")}


def test_every_field_is_told_and_no_other(rows):
    both, exchange, call = (named(rows(PAGE, "The form", place)) for place in range(3))
    assert both == set(Talk.__struct_fields__)
    assert exchange == set(Line.__struct_fields__) - both
    assert call == set(Call.__struct_fields__) - both
    told = {row["field"]: row["meaning"] for row in rows(PAGE, "The form", 1)}
    assert set(re.findall(r"\b(target|kind|status|ms|code)\b", told["attempts"])) == set(Tried.__struct_fields__)
    assert set(re.findall(r"\b(kind|status|code|message|ms)\b", told["stopped"])) == set(Stopped.__struct_fields__)


def test_the_headers_that_are_written_are_told(rows):
    [headers] = [row["meaning"] for row in rows(PAGE, "The form") if row["field"] == "request_headers"]
    assert set(headers.split(", ")) == ASKED


def test_every_thing_that_is_compared_is_told(rows):
    told = {row["what"] for row in rows(PAGE, "Replaying")}
    said = set(re.findall(r"`(\w+(?: N)?)`", compare.Difference.__doc__ or "")) | told
    assert said == told
    assert told == {
        "calls", "attempts", "skipped", "status", "fault", "translation", "end", "call N", "answer",
    }  # fmt: skip


def test_the_defaults_are_told(rows):
    told = {row["option"]: row["default"] for row in rows(PAGE, "Turning it on")}
    assert told == {"--bytes N": str(BYTES), "--texts": "off"}
    assert RecordSettings().bytes == BYTES


@pytest.mark.parametrize("name", ["signature", "thoughtSignature", "encrypted_content", "data"])
def test_what_is_blanked_in_any_case_is_told(name):
    assert name in BLOBS
    assert f"`{name}`" in TEXT
