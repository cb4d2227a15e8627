"""What the log is told beside exchanges: the rare events that an operator should know of, each by its name."""

from proxy.alerts.message import Facts
from proxy.resilience.breaker import Reason, State
from proxy.resilience.keys import KeyState
from proxy.telemetry.logs import Log
from proxy.telemetry.names import ALERT_LOST, BUDGET_ALERT, MODEL_ALERT, PROBE, STRATEGY_SWITCHED, TRIPPED


class Events:
    """Tells them to `log`."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def alert(self, event: str, /, **facts: str | int) -> None:
        """Something needs a person."""
        self._log.events.error(event, **facts)

    def breaker(self, target: str, before: State, after: State, reason: Reason | None, _: float) -> None:
        told = reason.value if reason else None
        self._log.events.warning("breaker", target=target, before=before.name, after=after.name, reason=told)

    def key_back(self, provider: str, key: KeyState, by: str) -> None:
        """One that was off is in use again, by an answer (`answer`) or an operator's reload (`reload`)."""
        self._log.events.info("key_back", provider=provider, key=key.fingerprint, source=key.source, by=by)

    def tripped(self, target: str, by: str) -> None:
        """An operator takes it out."""
        self._log.events.warning(TRIPPED, target=target, by=by)

    def lost(self, event: str, reason: str, so_far: int) -> None:
        """Spans, recordings or records of usage that were to be kept, and were not; `so_far` of them."""
        self._log.events.warning(event, reason=reason, so_far=so_far)

    def looked_at(self, provider: str, up: bool, reason: str) -> None:
        told = self._log.events.info if up else self._log.events.warning
        told(PROBE, provider=provider, up=up, reason=reason)

    def not_listed(self, provider: str, reason: str) -> None:
        self._log.events.warning("models_not_listed", provider=provider, reason=reason)

    def not_counted(self, vocabulary: str) -> None:
        """Counts that were to be exact are estimates."""
        reason = f"TIKTOKEN_CACHE_DIR has no whole {vocabulary}"
        self._log.events.warning("tokens_not_counted", reason=reason)

    def strategy(self, name: str, before: str, by: str, reason: str) -> None:
        """Another one chooses models now."""
        self._log.events.warning(STRATEGY_SWITCHED, name=name, before=before, by=by, reason=reason or None)

    def budget(self, facts: Facts) -> None:
        """It has come so far."""
        self._log.events.warning(BUDGET_ALERT, **facts)

    def fares(self, facts: Facts) -> None:
        """A model or a strategy has begun to fare badly, or well again."""
        told = self._log.events.warning if facts["state"] == "bad" else self._log.events.info
        told(MODEL_ALERT, **facts)

    def not_alerted(self, reason: str, so_far: int) -> None:
        self._log.events.error(ALERT_LOST, reason=reason, so_far=so_far)

    def overrun(self, budget: str, target: str) -> None:
        """An attempt was billed more than the most it could cost."""
        self.alert("budget_overrun", budget=budget, target=target)
