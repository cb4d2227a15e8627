"""Breaker, throttle, retry budget and key pool: pure state machines; the clock is passed in."""
