"""`sidestep providers`: the vendors known by name, where their keys are looked for, and what they carry."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.cli.options import add_json

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.config.profiles import Vendor

COLUMNS = ("vendor", "dialect", "key", "default model", "carries")


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "providers",
        help="list the vendors that are known by name",
        description="Lists the vendors that a configuration can name, the variables with their keys, the model they "
        "are asked for when the client's belongs to another vendor, and what that model carries. Reads no "
        "configuration and makes no call.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from proxy.config.profiles import vendors  # noqa: PLC0415 - see the package's docstring

    listed = [described(vendor) for vendor in vendors().values()]
    if arguments.json:
        import json  # noqa: PLC0415 - likewise

        print(json.dumps(listed, indent=2))
    else:
        print("\n".join(lines(listed)))
    return 0


def described(vendor: "Vendor") -> dict[str, Any]:
    """The vendor in JSON's terms; `carries` is true of its default model, or of its models as far as they are known."""
    return {
        "vendor": vendor.name,
        "dialect": vendor.dialect.value,
        "base_url": vendor.base_url or None,
        "key_env": list(vendor.key_env),
        "default_model": vendor.default_model,
        "carries": carried(vendor),
    }


def carried(vendor: "Vendor") -> list[str]:
    from proxy.config.profiles import profile_for  # noqa: PLC0415 - see the package's docstring
    from proxy.config.values import Provider  # noqa: PLC0415 - likewise

    provider = Provider(vendor.name, vendor.dialect, vendor.base_url, vendor=vendor.name)
    profile = profile_for(provider, vendor.default_model or "")
    able = {
        "tools": profile.tools,
        "images": profile.images,
        "files": profile.files,
        "audio": profile.audio,
        "schema": profile.json_schema,
        "reasoning": profile.thinking != "none",
        "embeddings": profile.embeddings,
    }
    return [name for name, there in able.items() if there]


def lines(listed: list[dict[str, Any]]) -> Iterator[str]:
    """The table as text."""
    rows = [COLUMNS, *map(_row, listed)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    key = " or ".join(one["key_env"]) or "none"
    return one["vendor"], one["dialect"], key, one["default_model"] or "none", " ".join(one["carries"])
