"""What a process learns of the requests it serves, whatever configuration they came under."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from proxy.clock import Clock
from proxy.config.routes import ANY
from proxy.config.selection import Experiment
from proxy.config.spending import LedgerSettings
from proxy.config.values import Config
from proxy.learning.feedback import Feedback
from proxy.learning.recent import Recent
from proxy.learning.serving import Feedbacks
from proxy.learning.watching import Tell, Watching, watches
from proxy.usage.record import Record


class Keeps(Protocol):
    """Who is told records."""

    def note(self, record: Record) -> None:
        """Waits for nothing."""


class Strategies(Protocol):
    """By which strategy models are chosen (`proxy.selection.active`)."""

    name: str
    """The active one; empty: none is."""
    kept: bool
    """Whether it would be so after a restart."""

    @property
    def available(self) -> Sequence[str]:
        """Those that are configured."""

    async def switch(self, name: str, by: str) -> None:
        """`by` says who wants it. Raises ValueError with a clause for one that is not configured."""


class Learning:
    """Used in one running loop. `config` gives the configuration that serves."""

    def __init__(self, clock: Clock, config: Callable[[], Config], strategy: Strategies, tell: Tell) -> None:
        """`tell` is told that a model or a strategy has begun to fare badly, or well again."""
        self.strategy: Final = strategy
        self._config = config
        self._recent = Recent()
        self._watching = Watching(clock, tell)
        self.feedback: Final = Feedback(clock, self._recent, self.ledger, self.tracks, self._scored)
        self.service = Feedbacks(self.feedback)
        """What `POST /api/v1/feedback` is answered by."""

    def keepers(self, config: Config) -> Iterator[Keeps]:
        """Who is to be told records under this configuration; nobody where nothing is learned."""
        ledger = config.spending.ledger
        if config.selection.track and ledger.usage and ledger.url:
            yield self._recent
        if config.selection.track and watches(config.spending.alerts):
            yield self._watching

    def follow(self, config: Config) -> None:
        """What is watched from now on."""
        self._watching.follow(config.spending.alerts)

    def close(self) -> None:
        self._watching.close()

    def ledger(self) -> LedgerSettings:
        """Where records are kept now."""
        return self._config().spending.ledger

    def tracks(self) -> bool:
        """Whether anything is learned now."""
        return self._config().selection.track

    def models(self) -> Mapping[str, Sequence[str]]:
        """Whoever the configuration of now names, by kind: entries, whom strategies and experiments choose, and the
        targets of the chain for all other names, as far as those are known."""
        config = self._config()
        chat = [*(name for name in config.models if name != ANY), *config.selection.models()]
        if (rest := config.models.get(ANY)) is not None:
            steps = [(step.provider, step.model) for step in rest.chain]
            own = [(name, config.providers[name].default_model if model == ANY else model) for name, model in steps]
            chat += [f"{name}/{model}" for name, model in own if model]
        embeddings = dict.fromkeys((*config.embeddings, *config.selection.embeddings()))
        return {"chat": [*dict.fromkeys(chat)], "embeddings": [*embeddings]}

    def tasks(self) -> Sequence[str]:
        """What requests may be for; empty where no tasks are configured, so that any name is one."""
        selection = self._config().selection
        return ("", *selection.tasks, *selection.uses()) if selection.tasks else ()

    def experiment(self) -> Experiment | None:
        """The one that shares requests out between strategies now, before the active one is asked."""
        return self._config().selection.split

    def _scored(self, record: Record, score: float) -> None:
        """Somebody scored a request."""
        self._watching.score(record, score)
