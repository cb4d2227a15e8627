"""What of relayed items the target's model cannot be shown.

A request that passes as it came may still hold an image for a model without eyes. Such a part is taken out and noted as
refused, so that the target is skipped rather than asked for a 400. Parts of kinds unknown here pass.
"""

from translators.ir import Json
from translators.profile import Profile
from translators.report import Report

LEFT_OUT = "(left out)"
"""Stands where nothing else of an item remains."""
_HOLDERS = ("content", "output")
"""Fields of an item that may be a list of parts."""


def shown(items: list[Json], profile: Profile, report: Report) -> list[Json]:
    """The items without the parts that the model does not take; the same list where it takes all."""
    if profile.images and profile.image_urls and profile.files:
        return items
    changed = {i: one for i, item in enumerate(items) if (one := _shown(item, f"input[{i}]", profile, report)) != item}
    return [changed.get(i, item) for i, item in enumerate(items)] if changed else items


def _shown(item: dict[str, Json], path: str, profile: Profile, report: Report) -> dict[str, Json]:
    for name in _HOLDERS:
        parts = item.get(name)
        if not isinstance(parts, list):
            continue
        lacking = [_lacking(part, profile) for part in parts]
        if not any(lacking):
            continue
        for j, why in enumerate(lacking):
            if why:
                report.refused(f"{path}.{name}[{j}].{parts[j]['type']}", why)
        kept = [part for part, why in zip(parts, lacking, strict=True) if not why]
        item = {**item, name: kept or LEFT_OUT}
    return item


def _lacking(part: Json, profile: Profile) -> str:
    """Why the model cannot be shown this part; empty where it can."""
    if not isinstance(part, dict):
        return ""
    kind, url = part.get("type"), part.get("image_url")
    if kind == "input_image":
        if not profile.images:
            return "the model takes no images"
        if not profile.image_urls and isinstance(url, str) and url[:4].lower() == "http":
            return "the model takes no images by address"
    if kind == "input_file" and not profile.files:
        return "the model takes no files"
    return ""
