"""One attempt at one target: the transport seam and its engines, timers, what headers mean."""
