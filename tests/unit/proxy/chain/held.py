"""What keeps a target from being called, done to one of a lab's."""


def tripped(lab, target):
    """Its breaker is open."""
    lab.registry.target(target, lab.clock.now()).breaker.trip(lab.clock.now())


def throttled(lab, target):
    """It asked for a wait of 900 s."""
    lab.registry.target(target, lab.clock.now()).throttle.block(lab.clock.now(), 900, lambda: 0.0)


def key_off(lab, target):
    """Its provider's key was refused."""
    pool = lab.registry.keys(target.provider)
    pool.disable(pool.choose(lab.clock.now()), lab.clock.now(), "auth")


def full(lab, target):
    """It has five calls in flight."""
    lab.registry.target(target, lab.clock.now()).enter(5)
