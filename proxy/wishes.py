"""What a request's headers ask of its answer: how strict translation is to be, and if its body tells of it. Pure."""

from collections.abc import Mapping

from proxy.flow import Exchange
from proxy.routing.resolve import Resolution
from proxy.telemetry.names import METADATA, MODE
from translators.faults import Malformed
from translators.report import Mode

_MODES: Mapping[str, Mode] = {mode.value: mode for mode in Mode}


def mode_of(exchange: Exchange, found: Resolution) -> Mode:
    """How strict translation is: `x-sidestep-mode`, else the client's setting, else the model's."""
    asked = exchange.headers.get(MODE)
    if asked is None:
        return _MODES[(exchange.client and exchange.client.mode) or found.route.mode]
    mode = _MODES.get(asked)
    if mode is None:
        raise Malformed(
            f"The header {MODE} is '{asked[:40]}'; it may be strict, warn or lenient.",
            param=MODE,
            code="invalid_value",
        )
    return mode


_ANSWERS: Mapping[str, bool] = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def wants_metadata(headers: Mapping[str, str]) -> bool:
    """What `x-sidestep-metadata` says, in any case of letters; no without it. Raises Malformed for anything else, so
    that nobody waits for what a slip of the pen has turned off."""
    asked = headers.get(METADATA)
    if asked is None:
        return False
    wanted = _ANSWERS.get(asked.lower())
    if wanted is None:
        raise Malformed(
            f"The header {METADATA} is '{asked[:40]}'; it may be 1, true or yes, or 0, false or no.",
            param=METADATA,
            code="invalid_value",
        )
    return wanted
