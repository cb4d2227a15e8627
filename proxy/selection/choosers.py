"""Who chooses, loaded once a configuration has something to choose: most have not."""

from typing import TYPE_CHECKING

from proxy.config.selection import Selection
from proxy.routing.resolve import Router
from proxy.selection.active import Active

if TYPE_CHECKING:
    from proxy.selection.chooser import Chooser


def chooser_for(selection: Selection, router: Router, active: Active) -> "Chooser | None":
    """Who chooses under this configuration; None where nothing is ever chosen."""
    if not selection.chooses:
        return None
    from proxy.selection.chooser import Chooser  # noqa: PLC0415 - only where something is chosen

    return Chooser(selection, router, active)
