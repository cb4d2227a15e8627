"""Nano-dollars as people and headers read them."""

from proxy.config.spending import NANOS


def dollars(nanos: int) -> str:
    """The whole amount, exactly, without an exponent: `12`, `0.000150003`."""
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    whole, rest = divmod(nanos, NANOS)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"
