"""Media types and where files lie: what Gemini takes as image, document and sound.

Source: Google's pages on image understanding, document processing and audio; the Files API.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from translators.ir import Image, Json

IMAGE_TYPES = frozenset(("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"))
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_SUFFIXES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "xml": "text/xml",
    "json": "application/json",
}
_DOCUMENTS = frozenset(("application/pdf", "application/json", "application/xml", "application/x-yaml"))
_SOUNDS = {
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aiff": "audio/aiff",
    "m4a": "audio/m4a",
}
_SOUND_ALIASES = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav", "audio/x-aiff": "aiff"}
_FORMATS = {media_type: name for name, media_type in _SOUNDS.items()} | _SOUND_ALIASES


def plain_type(media_type: str) -> str:
    """The type without parameters, in its usual spelling."""
    plain = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain)


_PICTURE = re.compile(r"image/[a-z0-9.+-]{1,64}")


def made_picture(part: Mapping[str, Json]) -> Image | None:
    """The picture that a part of an answer is; None for any other."""
    blob = part.get("inlineData")
    data, media_type = (blob.get("data"), blob.get("mimeType")) if isinstance(blob, dict) else (None, None)
    if not isinstance(data, str) or not data or not isinstance(media_type, str):
        return None
    plain = plain_type(media_type)
    return Image(data=data, media_type=plain) if _PICTURE.fullmatch(plain) else None


def guessed_type(name: str) -> str:
    """The type that a file's name or address ends in; empty when it says none."""
    path = urlsplit(name).path if "://" in name and "[" not in name else name
    return _SUFFIXES.get(path.rpartition(".")[2].lower(), "")


def is_document(media_type: str) -> bool:
    """Whether this is a document that Gemini reads: PDF, or some text."""
    return media_type in _DOCUMENTS or media_type.startswith("text/")


def sound_type(name: str) -> str | None:
    """The media type of a sound format; None for one that Gemini does not take."""
    return _SOUNDS.get(name.lower())


def audio_format(media_type: str) -> str | None:
    """The sound format of a media type; None when it is no sound that has a name here."""
    return _FORMATS.get(plain_type(media_type))


def is_kept(uri: str) -> bool:
    """Whether Google keeps the file itself, so that no web address has to be fetched by anyone."""
    return uri.startswith(("gs://", "https://generativelanguage.googleapis.com/"))
