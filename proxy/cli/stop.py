"""How a command ends early."""

from collections.abc import Sequence


class Stop(Exception):
    """The command cannot go on: `lines` go to stderr, each after `sidestep: `, and `code` is the exit code."""

    def __init__(self, *lines: str, code: int = 1) -> None:
        super().__init__(*lines)
        self.lines: Sequence[str] = lines
        self.code = code
