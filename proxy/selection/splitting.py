"""Which arm of an experiment a request is in: pure, and the same for the same subject each time.

A subject's name and the experiment's give a number by SHA-256, and the arms have their shares of the numbers, in the
order in which they are written. So nothing is remembered, every process of a fleet says the same, and the subjects of
one experiment are mixed anew in another. Changed shares move only the subjects at the borders between arms.
"""

import hashlib

from proxy.config.selection import WHOLE, Experiment


def arm_of(experiment: Experiment, subject: str) -> str:
    """The arm of whoever `subject` names."""
    told = f"{experiment.name}\0{subject}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(told).digest()[:8]) % WHOLE
    for arm, share in experiment.arms:
        number -= share
        if number < 0:
            return arm
    return experiment.arms[-1][0]
