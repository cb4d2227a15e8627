"""Wire formats, as pure functions: no I/O, no clock, no randomness, no logging.

One package per *dialect* (a wire format, not a vendor), each able to read and write both sides of a conversation
through the neutral form of `translators.ir`. Nothing here imports `proxy`.
"""
