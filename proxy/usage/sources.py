"""Where a configuration's records of usage are read again, and scores are put beside them."""

from proxy.config.ledger import usage_file, usage_stream
from proxy.config.spending import LedgerSettings
from proxy.usage.scores import Scores
from proxy.usage.sink import Source, Unread


def source_for(settings: LedgerSettings, *, here: bool = False) -> Source:
    """The stream of all machines where there is one, else the file of this machine; with `here` that file first. Raises
    Unread where none are kept."""
    file, stream = usage_file(settings), usage_stream(settings)
    if file and (here or not stream):
        from proxy.usage.sqlite import SqliteSource  # noqa: PLC0415 - a server reads hardly ever

        return SqliteSource(file)
    if stream:
        from proxy.usage.redis import RedisSource  # noqa: PLC0415 - likewise

        return RedisSource(settings)
    if settings.url:
        raise Unread("No records of usage are kept: [ledger] says usage = false, or keeps all in memory.")
    raise Unread(
        "No records of usage are kept: add [ledger] to the configuration, or set SIDESTEP_LEDGER_URL=sqlite://"
    )


def scores_for(settings: LedgerSettings) -> tuple[Scores, ...]:
    """Wherever records are kept, scores are; the file of this machine first, which finds a request sooner."""
    found: list[Scores] = []
    if file := usage_file(settings):
        from proxy.usage.sqlite import SqliteScores  # noqa: PLC0415 - loaded for the first score

        found.append(SqliteScores(file))
    if usage_stream(settings):
        from proxy.usage.redis import RedisScores  # noqa: PLC0415 - likewise

        found.append(RedisScores(settings))
    return tuple(found)
