"""Where a configuration's records of usage are read again."""

from proxy.config.ledger import usage_file, usage_stream
from proxy.config.spending import LedgerSettings
from proxy.usage.sink import Source, Unread


def source_for(settings: LedgerSettings) -> Source:
    """The file of this machine where there is one, which needs nobody else. Raises Unread where none are kept."""
    if file := usage_file(settings):
        from proxy.usage.sqlite import SqliteSource  # noqa: PLC0415 - a server reads hardly ever

        return SqliteSource(file)
    if usage_stream(settings):
        raise Unread("Records of usage go to Redis alone, and are not read from there: name a file in [ledger] file.")
    if settings.url:
        raise Unread("No records of usage are kept: [ledger] says usage = false, or keeps all in memory.")
    raise Unread(
        "No records of usage are kept: add [ledger] to the configuration, or set SIDESTEP_LEDGER_URL=sqlite://"
    )
