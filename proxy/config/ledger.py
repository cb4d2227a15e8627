"""`[ledger]`: where budgets and records of usage are kept, how long, and what SIDESTEP_LEDGER_URL says of it.

Nothing is kept unless somebody asks: a `[ledger]` section, that variable, or budgets. Then, without an address, it is
an SQLite file in the state folder, which a read-only root does not hold: SIDESTEP_STATE_DIR, or what the user's
environment says of such folders.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct, structs

from proxy.config.addresses import is_host
from proxy.config.errors import ENVIRONMENT, Problems
from proxy.config.hidden import Secret
from proxy.config.secrets import NoSecret, checked, read_secret
from proxy.config.spending import LedgerSettings
from proxy.config.table import Range, Table

URL_VARIABLE: Final = "SIDESTEP_LEDGER_URL"
STATE_VARIABLE: Final = "SIDESTEP_STATE_DIR"
VARIABLES: Final = (URL_VARIABLE, STATE_VARIABLE)
"""All that are Sidestep's own."""
FILE_NAME: Final = "ledger.db"
SQLITE: Final = "sqlite://"
MEMORY: Final = "memory:"
REDIS: Final = ("redis", "rediss")
FORMS: Final = "sqlite:///relative/file, sqlite:////absolute/file, redis://HOST:6379/0, rediss://... or memory:"
TIMEOUT: Final = Range(0.001, 10)
DAYS: Final = Range(1, 3660)
_DATABASES: Final = 1_000_000
_SOURCES: Final = ("env", "file")


class _Place(Struct, frozen=True):
    """An address, or what is wrong with one."""

    url: str = ""
    password: Secret | None = None
    problem: str = ""


def read_ledger(table: Table | None, env: Mapping[str, str], problems: Problems, *, asked: bool) -> LedgerSettings:
    """The settings; `table` is the file's section, None where there is none. `asked` says whether something else in the
    configuration needs a place."""
    section = Table({}, "ledger", problems) if table is None else table
    base = LedgerSettings()
    place = _from_file(section, env) if "url" in section else _from_environment(env, problems)
    if not place.url and not place.problem and (table is not None or asked):
        place = _default(env)
        if place.problem:
            section.wrong("url", place.problem)
    password = _password(section, env, place)
    settings = LedgerSettings(
        url=place.url,
        password=password,
        timeout_s=section.number("timeout_s", float, TIMEOUT) or base.timeout_s,
        usage=section.flag("usage") is not False,
        keep_days=section.number("keep_days", int, DAYS) or base.keep_days,
        file=_file(section, place.url),
    )
    section.finish()
    return settings if settings.url else base


def sqlite_file(url: str) -> str:
    """The file that a checked address names; empty for another kind of place."""
    return url.removeprefix(SQLITE)[1:] if url.startswith(SQLITE) else ""


def usage_file(settings: LedgerSettings) -> str:
    """The file of this machine where records of usage are kept; empty where there is none."""
    return (sqlite_file(settings.url) or settings.file) if settings.usage else ""


def usage_stream(settings: LedgerSettings) -> str:
    """The address of the Redis whose stream takes them; empty where there is none."""
    return settings.url if settings.usage and settings.url.startswith(REDIS) else ""


def described(settings: LedgerSettings) -> dict[str, object]:
    """The settings in JSON's terms, the password by its presence alone; and where records of usage are kept."""
    places = [place for place in (usage_stream(settings), usage_file(settings)) if place]
    return structs.asdict(settings) | {"password": settings.password is not None, "usage_places": places}


def _from_file(table: Table, env: Mapping[str, str]) -> _Place:
    text = table.text("url")
    if text is None:
        return _Place(problem="told already")
    if text == SQLITE:
        place = _default(env)
    else:
        place = _checked(text)
        if place.password is not None:
            place = _Place(problem='has a password in it: say where that is, with password = "env:NAME"')
    if place.problem:
        table.wrong("url", place.problem)
    return place


def _from_environment(env: Mapping[str, str], problems: Problems) -> _Place:
    text = env.get(URL_VARIABLE, "").strip()
    if not text:
        return _Place()
    place = _default(env) if text == SQLITE else _checked(text)
    if place.problem:
        problems.add(URL_VARIABLE, place.problem, ENVIRONMENT)
    return place


def _checked(text: str) -> _Place:
    if text == MEMORY:
        return _Place(MEMORY)
    if text.startswith(SQLITE):
        return _sqlite(text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return _Place(problem=f"must be one of {FORMS}")
    if parts.scheme not in REDIS or parts.query or parts.fragment or not (is_host(host) or ":" in host):
        return _Place(problem=f"must be one of {FORMS}")
    database = parts.path.strip("/")
    if database and not (database.isascii() and database.isdigit() and int(database) < _DATABASES):
        return _Place(problem="the path of a Redis address is the number of a database, as in /0")
    if find_spec("redis") is None:
        return _Place(problem="names Redis, which takes a package that is not installed: pip install 'sidestep[redis]'")
    user = f"{parts.username}@" if parts.username else ""
    shown = f"[{host}]" if ":" in host else host
    url = urlunsplit((parts.scheme, f"{user}{shown}:{port or 6379}", f"/{database or 0}", "", ""))
    if parts.password is None:
        return _Place(url)
    try:
        return _Place(url, checked(unquote(parts.password), "the password in it"))
    except NoSecret as error:
        return _Place(problem=str(error))


def _sqlite(text: str) -> _Place:
    path = text.removeprefix(SQLITE)
    if not path.startswith("/") or path.endswith("/") or path == "/:memory:":
        return _Place(problem=f"must be one of {FORMS}")
    return _Place(text)


def state_folder(env: Mapping[str, str]) -> str:
    """Where what outlives a process is kept; empty where no folder is known."""
    if own := env.get(STATE_VARIABLE, "").strip():
        return str(PurePosixPath(own))
    if (state := env.get("XDG_STATE_HOME", "")).startswith("/"):  # the specification ignores a relative one
        return str(PurePosixPath(state) / "sidestep")
    if (home := env.get("HOME", "")).startswith("/"):
        return str(PurePosixPath(home) / ".local" / "state" / "sidestep")
    return ""


def _default(env: Mapping[str, str]) -> _Place:
    """The file in the state folder."""
    folder = state_folder(env)
    if not folder:
        return _Place(problem=f"is missing, and no folder is known for it: set {STATE_VARIABLE}, or say {FORMS}")
    return _Place(f"{SQLITE}/{PurePosixPath(folder, FILE_NAME)}")


def _password(table: Table, env: Mapping[str, str], place: _Place) -> Secret | None:
    source = table.text("password")
    if source is None:
        return place.password
    if place.url and not place.url.startswith(REDIS):
        table.wrong("password", "is for Redis alone")
    elif source.partition(":")[0] not in _SOURCES:
        table.wrong("password", 'must be "env:NAME" or "file:/path"; a password does not belong in a file of settings')
    else:
        try:
            return read_secret(source, env)
        except NoSecret as error:
            table.wrong("password", str(error))
    return None


def _file(table: Table, url: str) -> str:
    path = table.text("file")
    if path is None:
        return ""
    if url and not url.startswith(REDIS):
        table.wrong("file", "is for Redis alone, beside which a file keeps records of usage")
        return ""
    return path
