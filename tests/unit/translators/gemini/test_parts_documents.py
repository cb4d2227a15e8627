"""Documents from every client to the two targets that take them as they are: Anthropic and Gemini."""

import base64

import pytest

from translators import anthropic_messages, gemini, openai_chat, openai_responses
from translators.profile import Profile

PDF = base64.b64encode(b"%PDF-1.7 ...").decode()
WORDS = "Größe: 🦜"
TEXT = base64.b64encode(WORDS.encode()).decode()
CHAT, RESPONSES = openai_chat, openai_responses


def clients(media_type, data):
    """What each client writes for the same document."""
    url = f"data:{media_type};base64,{data}"
    block = {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}, "title": "a.x"}
    blob = {"mimeType": media_type, "data": data, "displayName": "a.x"}
    return {
        "chat": (CHAT, "messages", {"type": "file", "file": {"file_data": url, "filename": "a.x"}}),
        "responses": (RESPONSES, "input", {"type": "input_file", "file_data": url, "filename": "a.x"}),
        "anthropic": (anthropic_messages, "messages", block),
        "gemini": (gemini, "contents", {"inlineData": blob}),
    }


def asked(client, media_type, data):
    codec, field, part = clients(media_type, data)[client]
    holder = "parts" if codec is gemini else "content"
    return codec.parse_request({"model": "m", "max_tokens": 9, field: [{"role": "user", holder: [part]}]})


@pytest.mark.parametrize("client", clients("", ""))
def test_a_pdf_goes_as_it_came(client):
    request = asked(client, "application/pdf", PDF)
    body, _ = anthropic_messages.render_request(request, Profile(provider="a", model="m"))
    source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    assert body["messages"][0]["content"] == [{"type": "document", "source": source, "title": "a.x"}]
    body, report = gemini.render_request(request, Profile(provider="g", model="m"))
    assert body["contents"][0]["parts"] == [{"inlineData": {"mimeType": "application/pdf", "data": PDF}}]
    assert "items[0].parts[0].filename" in [entry.field for entry in report.entries]


@pytest.mark.parametrize("client", clients("", ""))
def test_a_text_keeps_every_character(client):
    request = asked(client, "text/plain", TEXT)
    body, _ = anthropic_messages.render_request(request, Profile(provider="a", model="m"))
    source = {"type": "text", "media_type": "text/plain", "data": WORDS}
    assert body["messages"][0]["content"] == [{"type": "document", "source": source, "title": "a.x"}]
    body, _ = gemini.render_request(request, Profile(provider="g", model="m"))
    assert body["contents"][0]["parts"] == [{"inlineData": {"mimeType": "text/plain", "data": TEXT}}]


def test_a_plain_text_of_an_anthropic_client_keeps_every_character():
    source = {"type": "text", "media_type": "text/plain", "data": WORDS}
    part = {"type": "document", "source": source}
    given = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}
    body, _ = gemini.render_request(anthropic_messages.parse_request(given), Profile(provider="g", model="m"))
    assert body["contents"][0]["parts"] == [{"inlineData": {"mimeType": "text/plain", "data": TEXT}}]
    back, _ = anthropic_messages.render_request(
        anthropic_messages.parse_request(given), Profile(provider="a", model="m")
    )
    assert back["messages"][0]["content"] == [part]


@pytest.mark.parametrize("client", ["chat", "anthropic", "gemini"])
def test_what_is_said_to_be_text_and_is_none_is_refused(client):
    noise = base64.b64encode(b"\xff\xfe").decode()
    _, report = anthropic_messages.render_request(asked(client, "text/plain", noise), Profile(provider="a", model="m"))
    assert ("items[0].parts[0]", "refused") in [(entry.field, entry.verdict.value) for entry in report.entries]


@pytest.mark.parametrize("said", [{"context": "c"}, {"citations": {"enabled": True}}])
def test_a_document_that_asks_for_more_than_a_file_can_say_is_refused_elsewhere(said):
    part = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, **said}
    given = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]}
    _, report = gemini.render_request(anthropic_messages.parse_request(given), Profile(provider="g", model="m"))
    report.rename(anthropic_messages.naming(given), {})
    noted = [(entry.field, entry.verdict.value) for entry in report.entries]
    assert (f"messages.0.content.0.{next(iter(said))}", "refused") in noted
