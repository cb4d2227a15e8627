"""What is waited for in an exercise: the proxy's timeouts, made quick, and those of its clients.

Without a timeout of the clients' own the proxy's are capped, for only a silent target lets them run out. With one it
matters which of them is the longer, and that must stay so: a timeout that outlasts the client does so in the drill,
too. Under a silent fault nobody waits for an answer that takes its time, so offline the client's timeout shrinks with
the others; real providers need theirs, and are given it. Nothing is ever made longer.
"""

from msgspec import Struct, structs

from proxy.config.values import TimeoutSettings
from proxy.drill.exercise.menu import Case
from proxy.upstream.timings import client_times

FLOOR_S, SCRIPTED_FLOOR_S = 10.0, 0.5
"""A timeout is not capped so low that a provider which is well could miss it: a real one, a scripted one."""
CLIENT_FLOOR_S = 1.0
"""The same of the client's, of which a target is left half."""
LONGER = 1.6
"""A timeout that outlasts the client's is at most so many times as long: enough that half of what the client waits is
still less than a third of it, where it was, and so no failure by itself."""
CAPPED = ("progress_s", "progress_unary_s", "first_token_reasoning_s", "idle_s")


class Patience(Struct, frozen=True):
    """Seconds."""

    most_s: float
    """What the proxy's timeouts are capped at."""
    asked_s: float | None = None
    """After how much silence the drill's clients leave, as asked for; None where they never do."""
    client_s: float | None = None
    """The same as it is played, and said to the proxy."""
    beside: bool = False
    """Whether the proxy's timeouts keep their place beside the client's."""

    def of(self, own_s: float) -> float:
        """What a timeout of the configuration's is in the exercise."""
        if not self.beside or self.asked_s is None or self.client_s is None:
            return min(own_s, self.most_s)
        if own_s >= self.asked_s:
            return min(own_s, LONGER * self.client_s, own_s * self.client_s / self.asked_s)
        return min(own_s, self.most_s, max(SCRIPTED_FLOOR_S, own_s * self.client_s / self.asked_s))

    def quick(self, timeouts: TimeoutSettings) -> TimeoutSettings:
        """The timeouts of the exercise."""
        return structs.replace(timeouts, **{name: self.of(getattr(timeouts, name)) for name in CAPPED})

    def changes(self, timeouts: TimeoutSettings) -> tuple[str, ...]:
        """What differs of them and of the client's where they keep their places, as in `progress_s 30 -> 2.5`."""
        if not self.beside:
            return ()
        own = [(name, getattr(timeouts, name), self.of(getattr(timeouts, name))) for name in CAPPED]
        pairs = [("the client's", self.asked_s, self.client_s), *own]
        return tuple(f"{name} {was:.3g} -> {now:.3g}" for name, was, now in pairs if was != now)

    @property
    def granted_s(self) -> float:
        """The least that a target with others behind it is given before the next one is called."""
        return self.most_s if self.client_s is None else told_by(self.client_s) / 2


def told_by(client_s: float) -> float:
    """After how many seconds the proxy has told a client that waits so long what became of its request."""
    _, commit_by = client_times(None, client_s, TimeoutSettings(), 0.0)
    return commit_by


def patience(
    timeouts: TimeoutSettings, case: Case, seconds: float, *, offline: bool, client_s: float | None = None
) -> Patience:
    """That of an exercise whose fault lasts about `seconds`, with clients that leave after `client_s` of silence."""
    most = max(seconds / 5, SCRIPTED_FLOOR_S if offline else FLOOR_S)
    if client_s is None:
        return Patience(most)
    outlasted = any(getattr(timeouts, name) >= client_s for name in CAPPED)
    played = min(client_s, max(most, CLIENT_FLOOR_S)) if offline and case.silent and outlasted else client_s
    return Patience(most, client_s, played, case.silent)
