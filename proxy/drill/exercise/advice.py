"""What to change where a chain did not hold because of its clients' own timeout: a setting, and a value.

A client that leaves in the middle of a stream leaves before the proxy would have told it, so the proxy's patience has
to be the shorter one. A client that gets no answer in time has too little for the targets that are called one after
the other; where the next one's answers are known, so is what it needs.
"""

from collections.abc import Iterable

from proxy.drill.exercise.asking import Outcome
from proxy.drill.exercise.choice import Choice
from proxy.drill.exercise.pace import Pace
from proxy.drill.exercise.patience import told_by

TOO_LATE = 504
"""The proxy's own word that no target answered in time."""


def advice(choice: Choice, pace: Pace, before: Iterable[Outcome], under: Iterable[Outcome]) -> str:
    """A sentence without its full stop; empty where the clients' timeout is not what failed. `before` and `under` are
    what became of the requests before the fault, and from then on."""
    asked_s = pace.patience.asked_s
    if asked_s is None:
        return ""
    if any(map(_late, before)):
        return f"give the client more than {asked_s:g} s: answers take longer though all is well"
    under = list(under)
    late = [one for one in under if _late(one)]
    target, progress_s = choice.target, choice.target.timeouts.progress_s
    if progress_s >= asked_s and any(one.left and one.result.status == 200 for one in late):
        return (
            f"set progress_s of {target.name} from {progress_s:g} to at most {told_by(asked_s):g}, or give the client "
            f"more than {progress_s:g} s: a stream that falls silent is told as broken only after progress_s"
        )
    if not late or choice.alone:
        return ""
    took = [one.waited_s for one in under if one.end == "ok" and one.result.served_by != target.name]
    need_s = _client_for(max(took, default=0.0))
    least_s = need_s if need_s > asked_s else 2 * asked_s
    return (
        f"give the client at least {least_s:.3g} s: of {asked_s:g} s a target has at most "
        f"{told_by(asked_s) / 2:.3g} s while another may follow, and then the next one had too little"
    )


def _late(one: Outcome) -> bool:
    return one.end == "error" and (one.left or one.result.status == TOO_LATE)


def _client_for(answer_s: float) -> float:
    """What a client must wait for the second of two targets to have so long."""
    return min(2 * answer_s / 0.8, 2 * answer_s + 1.0)
