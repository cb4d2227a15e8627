"""A neutral request as the body of `generateContent`, and where and how it is sent.

The model and the wish for a stream stand in the address; the body is the same for both. Source: Google's Gemini API
reference (models.generateContent, models.streamGenerateContent) and Vertex AI's, whose addresses differ only in what
the provider's base URL holds.
"""

from collections.abc import Mapping

from translators.gemini.config import generation, hints, quirks
from translators.gemini.marks import own
from translators.gemini.parts import Scribe
from translators.gemini.tools import render_tools
from translators.gemini.turns import conversation
from translators.gemini.wire import camel
from translators.ir import Json, Request
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

METHODS = {
    "chat": "/models/{model}:generateContent",
    "chat_stream": "/models/{model}:streamGenerateContent?alt=sse",
    "embeddings": "/models/{model}:batchEmbedContents",
}


def render_request(request: Request, profile: Profile) -> tuple[Body, Report]:
    """The body for `profile`'s model, and what became of each field. Never raises: what cannot be said is left out
    and reported, and the body is valid without it."""
    report = Report()
    system, contents = conversation(Scribe(request.items, profile, report))
    body: Body = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    render_tools(body, request, profile, report)
    config = generation(request, profile, report)
    hints(body, request, profile, report)
    quirks(body, config, profile, report)
    if config:
        body["generationConfig"] = config
    return body, report


def relay_request(body: Body, profile: Profile, bound: int | None) -> tuple[Body, Report]:
    """A shallow copy without what the edge added and what the model rejects, with `bound` where the client named none;
    signatures go to their makers only."""
    report = Report()
    # A name in snake case would stand beside the same one in camel case, which is a 400.
    given = {name: value for name, value in camel(body).items() if name not in ("model", "stream")}
    copy = own(given, profile, report)
    config = dict(camel(copy["generationConfig"])) if isinstance(copy.get("generationConfig"), dict) else {}
    if bound is not None and config.get("maxOutputTokens") is None:
        config["maxOutputTokens"] = bound
    quirks(copy, config, profile, report, own=True)
    if config:
        copy["generationConfig"] = config
    return copy, report


def as_stream(body: Body, profile: Profile) -> Body | None:
    """The wish for a stream stands in the address, so the body stays; only the profile asks for one."""
    return dict(body) if profile.upstream_stream else None


def request_path(profile: Profile, *, stream: bool) -> str:
    """To be appended to a base URL that ends in the API's version, or in `publishers/google` on Vertex AI."""
    operation = "chat_stream" if stream else "chat"
    return profile.path(operation, METHODS[operation])


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:  # noqa: ARG001 - the Codec's signature
    """The key in its header: Google's own, or a token as `Bearer` where the profile says so, as on Vertex AI."""
    return profile.credentials(key, "x-goog-api-key")
