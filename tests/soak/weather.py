"""What goes wrong during a soak, and when: drawn from a seed, so that a run can be had again.

Only the providers in front suffer; behind each chain's end stands one that is always well. So whatever the weather,
every request has a target that could answer it, and an error that a client sees is the proxy's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded: the same seed is the same weather

from proxy.drill import script as scripts
from proxy.drill.script import Script

CALM = scripts.ok()
FAULTS: dict[str, Script] = {
    "500": scripts.status(500),
    "503": scripts.status(503),
    "529": scripts.status(529),
    "429": scripts.status(429, retry_after=1),
    "html": scripts.html(),
    "error in 200": scripts.error_in_200(),
    "overloaded event": scripts.overloaded_event(),
    "silence": scripts.silence(),
    "refuse": scripts.refuse(),
    "cut before headers": scripts.cut_before_headers(),
    "reset": scripts.cut_before_headers(reset=True),
    "cut in headers": scripts.cut_in_headers(),
    "cut before commit": scripts.cut_before_commit(),
    "cut": scripts.cut(2),
    "truncated": scripts.truncated(),
    "stall": scripts.stall(2),
    "half json": scripts.half_json(),
    "invalid event": scripts.invalid_event(),
    "invalid utf-8": scripts.invalid_utf8(),
    "duplicate finish": scripts.duplicate_finish(),
    "big event": scripts.big_event(2 * 1024 * 1024),
    "trickle": scripts.ok(first_s=0.2, every_s=0.02),
}
"""Every way that the scripted provider can fail which a request may be saved from, or be told of."""
SOLE = {"refuse"}
"""Not about single requests: they last a whole spell."""
CALM_SHARE, SPRINKLE_SHARE = 0.4, 0.4
"""Of spells: nothing but good answers; good ones and now and then a bad one. The rest is one fault alone."""
BAD_SHARE = 0.05
"""Of answers in a spell with now and then a bad one."""
STEPS = 400
SPELL_S = (1.0, 6.0)


@dataclass(frozen=True, slots=True)
class Spell:
    """What a provider does for some seconds."""

    provider: str
    name: str
    script: Script
    seconds: float


def spells(seed: int, provider: str) -> Iterator[Spell]:
    """The weather of one provider, without end."""
    chance = Random(f"{seed} {provider}")
    names = sorted(FAULTS)
    while True:
        seconds, drawn = chance.uniform(*SPELL_S), chance.random()
        if drawn < CALM_SHARE:
            yield Spell(provider, "calm", CALM, seconds)
        elif drawn < CALM_SHARE + SPRINKLE_SHARE:
            yield Spell(provider, "now and then", _sprinkled(chance), seconds)
        else:
            name = chance.choice(names)
            yield Spell(provider, name, FAULTS[name], seconds)


def _sprinkled(chance: Random) -> Script:
    names = sorted(set(FAULTS) - SOLE)
    steps = [(FAULTS[chance.choice(names)] if chance.random() < BAD_SHARE else CALM).steps[0] for _ in range(STEPS - 1)]
    return Script((*steps, *CALM.steps))
