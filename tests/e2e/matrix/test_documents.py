"""PDF and text documents from every SDK to every dialect of provider: the bytes arrive, with their type and name, where
the dialect has a place for them, and a name that has none is reported."""

import base64

import pytest

KNOWN = {"chat": "alpha", "responses": "epsilon", "messages": "beta", "gemini": "delta"}
PDF = base64.b64encode(b"%PDF-1.4 the whole report").decode()
WORDS = "Plain words: \u00e9t\u00e9."
TEXT = base64.b64encode(WORDS.encode()).decode()
ASK = "what does it say?"


@pytest.fixture(params=KNOWN)
def model(request):
    return request.param


@pytest.fixture(params=["chat", "responses", "messages"])
def send(request, open_ai, claude):
    """`await send(model, kind)`: the answer's text and headers for a question about a document."""

    async def chat(model, kind):
        data = f"data:application/pdf;base64,{PDF}" if kind == "pdf" else f"data:text/plain;base64,{TEXT}"
        parts = [{"type": "text", "text": ASK}, {"type": "file", "file": {"file_data": data, "filename": f"r.{kind}"}}]
        raw = await open_ai.chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": parts}]
        )
        return raw.parse().choices[0].message.content, raw.headers

    async def responses(model, kind):
        data = f"data:application/pdf;base64,{PDF}" if kind == "pdf" else f"data:text/plain;base64,{TEXT}"
        parts = [
            {"type": "input_text", "text": ASK},
            {"type": "input_file", "file_data": data, "filename": f"r.{kind}"},
        ]
        raw = await open_ai.responses.with_raw_response.create(model=model, input=[{"role": "user", "content": parts}])
        return raw.parse().output_text, raw.headers

    async def messages(model, kind):
        pdf = {"type": "base64", "media_type": "application/pdf", "data": PDF}
        text = {"type": "text", "media_type": "text/plain", "data": WORDS}
        document = {"type": "document", "source": pdf if kind == "pdf" else text, "title": f"r.{kind}"}
        content = [document, {"type": "text", "text": ASK}]
        raw = await claude.messages.with_raw_response.create(
            model=model, max_tokens=900, messages=[{"role": "user", "content": content}]
        )
        return (await raw.parse()).content[-1].text, raw.headers

    return {"chat": chat, "responses": responses, "messages": messages}[request.param]


def arrived(provider) -> list[dict]:
    """The parts of the one user message that a provider was sent."""
    body = provider.requests[-1].body
    turn = (body.get("messages") or body.get("input") or body.get("contents"))[-1]
    return turn.get("content") or turn["parts"]


def told(part: dict) -> tuple[str, str, str]:
    """Media type, data and name of a part that is a document."""
    if "inlineData" in part:
        return part["inlineData"]["mimeType"], part["inlineData"]["data"], ""
    if part.get("type") == "document":
        source = part["source"]
        return source["media_type"], source["data"], part.get("title", "")
    file = part["file"] if part.get("type") == "file" else part
    head, _, data = file["file_data"].partition(",")
    return head.removeprefix("data:").removesuffix(";base64"), data, file["filename"]


async def test_a_pdf_arrives_whole_in_the_dialects_own_place(matrix, model, send):
    text, headers = await send(model, "pdf")
    provider = matrix.named(KNOWN[model])
    assert ASK in text
    parts = arrived(provider)
    (document,) = [part for part in parts if PDF in str(part)]
    media, data, name = told(document)
    assert (media, data) == ("application/pdf", PDF)
    lost = headers.get("x-sidestep-translation", "")
    assert (name, "name" in lost or "title" in lost) == (("", True) if model == "gemini" else ("r.pdf", False)), lost


async def test_a_text_arrives_whole_as_a_document_or_as_text(matrix, model, send):
    text, _ = await send(model, "txt")
    assert text
    sent = str(arrived(matrix.named(KNOWN[model])))
    assert WORDS in sent or TEXT in sent
