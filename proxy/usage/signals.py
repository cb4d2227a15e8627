"""What an answer itself shows of its quality, and how good that counts."""

from collections.abc import Mapping
from typing import Final

WHOLE: Final = "whole"
"""It came to its regular end."""
VALID: Final = "valid"
"""It has the form that was asked for."""
SHORT: Final = "short"
"""It reached the most that it may say."""
CUT: Final = "cut"
"""It broke off."""
REFUSAL: Final = "refusal"
"""The model, or its provider's filter, would not."""
INVALID: Final = "invalid"
"""It has not the form that was asked for."""

SIGNALS: Final[Mapping[str, float]] = {WHOLE: 1.0, VALID: 1.0, SHORT: 0.5, CUT: 0.0, REFUSAL: 0.0, INVALID: 0.0}
SHOWN_WEIGHT: Final = 0.1
"""How much that counts, beside a score that somebody gave."""
