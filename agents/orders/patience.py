"""How long an answer is waited for."""

from datetime import timedelta
from typing import Final

from streams import Setting

SILENCE: Final = timedelta(seconds=30)
"""How long the first asking may stay without any answer, unless it is said otherwise."""

patience: Final = Setting(SILENCE)
"""The shop's. A question keeps the due time that it was asked with."""
