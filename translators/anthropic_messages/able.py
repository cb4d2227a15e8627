"""What of a relayed request the target's model cannot take: tools, a schema, images, documents.

A request that passes as it came may still ask for what this model cannot do. That is taken out and noted as refused, so
that the target is skipped rather than asked for a 400. Blocks of kinds unknown here pass: tomorrow's model may know
them.
"""

from translators.anthropic_messages.generations import settle
from translators.ir import Json
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

LEFT_OUT = "(left out)"
"""Stands where nothing else of a message remains, as Anthropic takes no empty one."""


def fit(body: Body, profile: Profile, report: Report) -> None:
    """Changes `body` (top level only) to what the model can do, and notes each loss. What must change is copied."""
    if not profile.tools and body.get("tools"):
        del body["tools"]
        body.pop("tool_choice", None)
        report.refused("tools", "the model takes no tools")
    if not profile.json_schema:
        _schema(body, report)
    if not (profile.images and profile.image_urls and profile.files):
        _messages(body, profile, report)
    settle(body, profile, report)


def _schema(body: Body, report: Report) -> None:
    config = body.get("output_config")
    if isinstance(config, dict) and config.get("format"):
        body["output_config"] = {name: value for name, value in config.items() if name != "format"}
        report.refused("output_config.format", "the model takes no schema")
    if body.get("output_format"):
        del body["output_format"]
        report.refused("output_format", "the model takes no schema")


def _messages(body: Body, profile: Profile, report: Report) -> None:
    messages = list(body["messages"])
    for i, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            kept = _shown(content, f"messages.{i}.content", profile, report)
            if kept is not content:
                messages[i] = {**message, "content": kept}
    body["messages"] = messages


def _shown(blocks: list[Json], path: str, profile: Profile, report: Report) -> list[Json]:
    """The blocks that the model can be shown, those within tool results too; the same list where it can be all."""
    kept, changed = [], False
    for j, block in enumerate(blocks):
        why = _lacking(block, profile)
        if why:
            report.refused(f"{path}.{j}", why)
            changed = True
            continue
        inner = block.get("content") if isinstance(block, dict) and block.get("type") == "tool_result" else None
        shown = _shown(inner, f"{path}.{j}.content", profile, report) if isinstance(inner, list) else inner
        kept.append(block if shown is inner else {**block, "content": shown})
        changed = changed or shown is not inner
    return (kept or [{"type": "text", "text": LEFT_OUT}]) if changed else blocks


def _lacking(block: Json, profile: Profile) -> str:
    """Why the model cannot be shown this block; empty where it can."""
    if not isinstance(block, dict):
        return ""
    kind, source = block.get("type"), block.get("source")
    if kind == "image":
        if not profile.images:
            return "the model takes no images"
        if not profile.image_urls and isinstance(source, dict) and source.get("type") == "url":
            return "the model takes no images by address"
    if kind == "document" and not profile.files:
        return "the model takes no files"
    return ""
