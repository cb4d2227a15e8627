"""What is wrong with a configuration, all of it at once.

Checks note what they find and go on with a harmless value, so that one run names every mistake. A message never
repeats a value that could be a secret; names and numbers may be repeated.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from translators.faults import say

ENVIRONMENT = "environment variable"
OPTION = "option"


class ConfigError(Struct, frozen=True):
    """One mistake: `path` within `source` (a file's path, `environment variable` or `option`), and a clause."""

    path: str
    message: str
    source: str

    def __str__(self) -> str:
        path, message = say(self.path), say(self.message)
        if self.source in (ENVIRONMENT, OPTION):
            return f"{self.source} {path}: {message}"
        return ": ".join(part for part in (self.source, path, message) if part)


class ConfigErrors(Exception):
    """The configuration cannot be used; `errors` has every reason."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class NoKeys(ConfigErrors):
    """Nothing else is wrong, but no configuration file is given and no vendor's key is set."""


class Problems(Struct):
    """Collects what a load finds; `source` is where paths point unless a call says otherwise."""

    source: str
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, path: str, message: str, source: str | None = None) -> None:
        """Notes a mistake, once: two providers may lead to the same one."""
        error = ConfigError(path, message, source or self.source)
        if error not in self.errors:
            self.errors.append(error)

    def warn(self, path: str, message: str, source: str | None = None) -> None:
        self.warnings.append(str(ConfigError(path, message, source or self.source)))

    def stop(self) -> None:
        """Raises ConfigErrors when anything was added."""
        if self.errors:
            raise ConfigErrors(self.errors)


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the known name closest to `name`, or nothing."""
    import difflib  # noqa: PLC0415 - needed only once something is wrong

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *head, last = list(names) or ["nothing"]
    return f"{', '.join(head)} and {last}" if head else last
