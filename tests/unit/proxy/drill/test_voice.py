"""Every dialect has a voice, and every voice the same abilities."""

import orjson
import pytest

from proxy.drill.voice import SPEAKERS, voice_of


@pytest.mark.parametrize("dialect", SPEAKERS)
def test_every_dialect_has_a_voice_on_a_path_of_its_own(dialect):
    voice = voice_of(dialect)
    assert voice.PATH.startswith(("/v1/", "/v1beta/"))
    assert voice.OVERLOADED_STATUS in (503, 529)
    assert [voice_of(other).PATH for other in SPEAKERS].count(voice.PATH) == 1


@pytest.mark.parametrize("dialect", SPEAKERS)
def test_events_made_from_parts_end_in_a_blank_line_and_hold_json(dialect):
    voice = voice_of(dialect)
    for event in (voice.text_event(b"abc"), voice.error_event(voice.fault(500))):
        assert event.endswith((b"\n\n", b"\r\n\r\n"))
        orjson.loads(event.rpartition(b"data: ")[2])
    assert b'"abc"' in voice.text_event(b"abc")
    assert voice.PING.endswith((b"\n\n", b"\r\n\r\n"))
