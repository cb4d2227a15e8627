"""Which target a live tool loop stays with: pure.

A model that thinks between its calls must be given that thinking back, and only its own provider can read it. While the
loop runs, its results go to where the calls came from, be that the chain's first target or a fallback.
"""

from collections.abc import Sequence

from proxy.config.values import Target


def place_of(targets: Sequence[Target], origin: str) -> int | None:
    """The position of the target that made what bears `origin` (`str(Origin)`); None when none of them did.

    The dialect in it is not compared: a provider may be asked by more than one.
    """
    maker = _maker(origin)
    return next((at for at, target in enumerate(targets) if _maker(target.profile.origin("")) == maker), None)


def headed(targets: Sequence[Target], place: int) -> tuple[Target, ...]:
    """The chain with the target at `place` at its head, the others in their order."""
    return (targets[place], *targets[:place], *targets[place + 1 :])


def _maker(origin: str) -> str:
    return origin.partition("|")[2]
