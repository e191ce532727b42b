"""What the user allows: RAM, flash, latency, energy, MACs and output error."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Union

from gonogo import units
from gonogo.errors import LimitError

LimitValue = Union[str, int, float, Fraction]

# name: (units, base unit)
KINDS: dict[str, tuple[dict[str, Fraction], str]] = {
    "ram": (units.BYTES, "B"),
    "flash": (units.BYTES, "B"),
    "flash_model": (units.BYTES, "B"),  # the model's part of it
    "latency": (units.SECONDS, "s"),
    "energy": (units.JOULES, "J"),
    "macs": (units.COUNT, ""),
    "error": (units.PLAIN, ""),
}


@dataclass(frozen=True)
class Limit:
    """One limit: `value` is exact, in the base unit `unit`; `text` is what the user wrote."""

    name: str
    value: Fraction
    unit: str
    text: str


class Limits(Mapping[str, Limit]):
    """An immutable set of limits.

    `flash` is the model and the code that runs it; `flash_model` is the model alone, such as a partition of its own.
    Memory takes B, kB, KiB, MB, MiB; latency s, ms, us; energy J, mJ, uJ; `macs` a number with optional k, M, G;
    `error` a plain number in the model's output units. A memory, time or energy without its unit is a `LimitError`.

    >>> Limits(ram="128 KiB", error=0.1)["ram"].value
    Fraction(131072, 1)
    """

    def __init__(self, **limits: LimitValue) -> None:
        self._limits = {name: _limit(name, value) for name, value in limits.items()}

    @classmethod
    def of(cls, limits: Mapping[str, Any] | None) -> Limits:
        """Limits from what a caller may pass: limits, a mapping, or nothing."""
        if isinstance(limits, Limits):
            return limits
        if limits is None:
            return cls()
        if not isinstance(limits, Mapping):
            raise LimitError(
                f"limits: {type(limits).__name__} given; pass a mapping such as {{'ram': '128 KiB'}}"
            )
        return cls(**{str(name): value for name, value in limits.items()})

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Limits:
        """Limits from texts such as ``ram=128KiB``, as on the command line."""
        found: dict[str, LimitValue] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            name = name.strip()
            if not equals:
                raise LimitError(f"limit {text!r}: write name=value, for example ram=128KiB")
            if name in found:
                raise LimitError(f"limit '{name}' is given twice")
            found[name] = value.strip()
        return cls(**found)

    def __getitem__(self, name: str) -> Limit:
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def __repr__(self) -> str:
        return f"Limits({', '.join(f'{limit.name}={limit.text!r}' for limit in self._limits.values())})"


def _limit(name: str, value: LimitValue) -> Limit:
    if name not in KINDS:
        raise LimitError(f"no limit is called {name!r}; known: {', '.join(KINDS)}")
    known, base = KINDS[name]
    if isinstance(value, str):
        exact, text = units.parse(value, known, name), value.strip()
    elif isinstance(value, bool) or not isinstance(value, (int, float, Fraction)):
        raise LimitError(f"limit '{name}': {type(value).__name__} given; pass a number or a text")
    elif base:
        raise LimitError(
            f"limit '{name}': {value!r} has no unit; write it as text, for example '{value} {base}'"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise LimitError(f"limit '{name}': {value!r} isn't finite; leave the limit out instead")
    else:
        exact, text = Fraction(value), str(value)
    if exact > 10**300:
        raise LimitError(f"limit '{name}': {text} is beyond anything that limits")
    if exact < 0:
        raise LimitError(f"limit '{name}': {text} is negative")
    return Limit(name, exact, base, text)
