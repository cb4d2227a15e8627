"""Nano-dollars as people and programs read them."""

from proxy.config.spending import NANOS


def dollars(nanos: int) -> str:
    """The exact amount: a plain decimal number without an exponent and without zeros at its end."""
    whole, rest = divmod(abs(nanos), NANOS)
    sign = "-" if nanos < 0 else ""
    return f"{sign}{whole}.{rest:09}".rstrip("0") if rest else f"{sign}{whole}"
