"""`make experiment`: the shares of an experiment over 20,000 requests through a real proxy; ends with 1 where an arm
misses its share by more than one percent of them, somebody moves between arms, or the records say something else.

python -m tests.shares [REQUESTS]
"""

import sys
import tempfile
from pathlib import Path

import uvloop

from proxy.clock import SystemClock
from tests.shares.scene import AGAIN, SHARES, Seen, played

REQUESTS = 20_000
WITHIN = 1.0
"""Percent of the requests."""


def well(seen: Seen, requests: int) -> bool:
    recorded = sum(seen.recorded.values()) == requests + -(-requests // AGAIN)
    return not (seen.errors or seen.moved) and recorded and seen.off <= WITHIN


def main(words: list[str]) -> int:
    requests = int(words[0]) if words else REQUESTS
    clock = SystemClock()
    began = clock.now()
    with tempfile.TemporaryDirectory() as folder:
        seen = uvloop.run(played(Path(folder), requests))
    for arm, share in SHARES.items():
        print(f"{arm:18} {share:4g}% wanted  {100 * seen.served[arm] / requests:6.2f}% of {requests} requests")
    print(f"at most {seen.off:.2f}% off; {seen.moved} users moved; {seen.errors} errors; {clock.now() - began:.0f} s")
    return 0 if well(seen, requests) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
