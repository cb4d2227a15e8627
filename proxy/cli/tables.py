"""Text for a terminal: rows as a table, and what somebody else chose made harmless."""

from collections.abc import Iterator, Sequence


def table(rows: Sequence[Sequence[str]], names: int) -> Iterator[str]:
    """Its lines; the first `names` columns stand to the left, the others, as numbers do, to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if column < names else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def printable(text: str) -> str:
    """What a client or a provider chose must not play with a terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
