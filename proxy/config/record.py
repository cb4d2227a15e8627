"""`[record]`: whether exchanges are written down for `sidestep replay`, where, and how much of them."""

from typing import Final

from msgspec import structs

from proxy.config.errors import OPTION, Problems
from proxy.config.table import Range, Table
from proxy.config.values import Config, RecordSettings

BYTES: Final = Range(64 * 1024, 2**40)


def read_record(table: Table) -> RecordSettings:
    """The settings; without a file nothing is recorded."""
    base = RecordSettings()
    file, size, texts = table.text("file"), table.number("bytes", int, BYTES), table.flag("texts")
    if "file" not in table and (size is not None or texts is not None):
        table.wrong("file", "is missing: say where exchanges are written")
    table.finish()
    return RecordSettings(file or base.file, base.bytes if size is None else size, bool(texts))


def recorded(config: Config, told: RecordSettings | None, problems: Problems) -> Config:
    """`config` with what the command line says of recording, where it says something."""
    if told is None:
        return config
    if not told.file.strip():
        problems.add("FILE", "must name a file", OPTION)
    if not BYTES.holds(told.bytes):
        problems.add("--bytes", f"must be {BYTES}, not {told.bytes}", OPTION)
    return structs.replace(config, record=told)
