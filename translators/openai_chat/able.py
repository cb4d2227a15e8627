"""What of a relayed conversation the target's model cannot be shown.

A request that passes as it came may still hold an image for a model without eyes. Such a part is taken out and noted as
refused, so that the target is skipped rather than asked for a 400. Parts of kinds unknown here pass: tomorrow's model
may know them.
"""

from collections.abc import Mapping

from translators.ir import Json
from translators.profile import Profile
from translators.report import Report

LEFT_OUT = "(left out)"
"""Stands where nothing else of a message remains, as no vendor takes an empty one."""


def shown(messages: list[Json], profile: Profile, report: Report) -> list[Json]:
    """The messages without the parts that the model does not take; the same list where it takes all. A message that
    must change is copied."""
    if profile.images and profile.image_urls and profile.files and profile.audio:
        return messages
    changed: dict[int, Json] = {}
    for i, message in enumerate(messages):
        content = message.get("content")
        if type(content) is not list:
            continue
        lacking = [_lacking(part, profile) for part in content]
        if not any(lacking):
            continue
        for j, why in enumerate(lacking):
            if why:
                report.refused(f"messages[{i}].content[{j}].{content[j]['type']}", why)
        kept = [part for part, why in zip(content, lacking, strict=True) if not why]
        changed[i] = {**message, "content": kept or LEFT_OUT}
    return [changed.get(i, message) for i, message in enumerate(messages)] if changed else messages


def _lacking(part: Json, profile: Profile) -> str:
    """Why the model cannot be shown this part; empty where it can."""
    if not isinstance(part, dict):
        return ""
    kind = part.get("type")
    if kind == "image_url":
        if not profile.images:
            return "the model takes no images"
        if not profile.image_urls and _by_address(part.get("image_url")):
            return "the model takes no images by address"
    if kind == "file" and not profile.files:
        return "the model takes no files"
    if kind == "input_audio" and not profile.audio:
        return "the model takes no audio"
    return ""


def _by_address(image: Json) -> bool:
    url = image.get("url") if isinstance(image, Mapping) else image
    return isinstance(url, str) and url[:4].lower() == "http"
