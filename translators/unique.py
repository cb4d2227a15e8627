"""Ids made unique: some local servers count their calls from the same id in every turn, others want each id once."""


class Unique:
    """Gives out each id once: one that comes again gets a number (`call`, `call_2`, `call_3`)."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        """Every id given out -> the last number that it was given out with."""

    def named(self, own: str) -> str:
        """The id to use for what calls itself `own`."""
        number = self._numbers.get(own)
        if number is None:
            self._numbers[own] = 1
            return own
        while (unique := f"{own}_{number + 1}") in self._numbers:
            number += 1
        self._numbers[own] = number + 1
        self._numbers[unique] = 1
        return unique
