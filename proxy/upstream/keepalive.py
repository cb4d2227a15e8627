"""Signs of life for a client whose stream is silent, in the dialects that have them.

A model may think for a minute between two words, and a translated stream has no events for that time. Before the commit
nothing is ever sent, so pings begin with the first content; where the upstream sends its own they are seen as writing,
and none is added. A client that does not take what was written already needs none either.

All of them share one timer (`proxy.hourglass`): whatever is written only stores a number.
"""

import math

from proxy.flow import Output
from proxy.hourglass import Hourglass, hourglass

PING_S = 15.0
"""Silence after which a ping is sent."""


class Pings:
    """Writes `ping` to a committed stream whenever nothing was written for `PING_S`. Does nothing when it is empty."""

    __slots__ = ("_glass", "_out", "_ping", "_written_at", "when")

    def __init__(self, out: Output, ping: bytes) -> None:
        self._out = out
        self._ping = ping
        self._written_at = 0.0
        self.when = math.inf
        """When it is to look."""
        self._glass: Hourglass | None = None

    def written(self) -> None:
        """Something was just written; the first call begins."""
        if self._ping:
            if self._glass is None:
                self._glass = hourglass()
                self.when = self._glass.time() + PING_S
                self._glass.put(self)
            self._written_at = self._glass.time()

    def stop(self) -> None:
        """No ping is written from here on."""
        self._ping = b""
        if self._glass is not None:
            self._glass.drop(self)

    def ring(self, now: float) -> None:
        """Looks whether it has been silent for so long."""
        if self._written_at + PING_S <= now:
            self._out.push(self._ping)
            self._written_at = now
        self.when = self._written_at + PING_S
        if self._glass is not None:
            self._glass.put(self)
