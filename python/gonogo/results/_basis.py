"""What every result is made of: where it comes from, and numbers with unit and standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gonogo import units

Standing = Literal["exact", "proved", "estimated", "measured"]
Array = npt.NDArray[np.float64]


def frozen(array: Array) -> Array:
    """The array, from now on read-only."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Model:
    """Which file a result is about."""

    source: str
    format: str
    file_bytes: int
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """Everything a result rests on, enough to ask the same question again."""

    question: str
    deployed: Model | None
    reference: Model | None = None
    semantics: str = ""
    box: str = ""
    box_sha256: str = ""
    target: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    rounding: str = ""
    assumptions: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Quantity:
    """A number with its unit and standing; `low` and `high` enclose it as far as the standing carries."""

    value: float
    unit: str
    standing: Standing
    low: float
    high: float
    note: str = ""

    @classmethod
    def exact(cls, value: int, unit: str, note: str = "") -> Quantity:
        return cls(value, unit, "exact", value, value, note)

    def __str__(self) -> str:
        if self.unit == "B":
            text = units.bytes_text(int(self.value))
            if self.low != self.high:
                text += f" ({int(self.low):,} to {int(self.high):,} B)"
        elif self.unit in ("s", "J"):
            text = units.scaled_text(self.value, self.unit)
            if self.low != self.high:
                low, high = (units.scaled_text(v, self.unit) for v in (self.low, self.high))
                text += f" ({low} to {high})"
        else:
            text = f"{self.value:,} {self.unit}".strip()
        return f"{text}, {self.standing}"
