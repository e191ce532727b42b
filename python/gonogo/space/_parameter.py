"""One parameter of a space: whole numbers, a choice, or a real number."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np

from gonogo.errors import SpaceError
from gonogo.space._condition import Condition, Scalar, parse, same

# Whole numbers up to here are exact in float64, which arrays of configurations may be handed over as.
LARGEST = 2**53


@dataclass(frozen=True, repr=False)
class Int:
    """The whole numbers lo, lo + step, ..., up to `hi`.

    With ``log=True`` samplers draw it log-uniformly. `when` says where the parameter exists, as a text about parameters
    declared before it. ``used=False`` marks one that concerns training only: it never reaches the cost.

    >>> Int(8, 30, step=8).values
    range(8, 31, 8)
    """

    lo: int
    hi: int
    step: int = field(default=1, kw_only=True)
    log: bool = field(default=False, kw_only=True)
    when: str | None = field(default=None, kw_only=True)
    used: bool = field(default=True, kw_only=True)
    condition: Condition | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("lo", "hi", "step"):
            _set(self, name, _whole(getattr(self, name), name))
        _check_flags(self, "log", "used")
        if self.lo > self.hi:
            raise SpaceError(f"Int: lo {self.lo} is beyond hi {self.hi}; write Int({self.hi}, {self.lo})")
        if self.step < 1:
            raise SpaceError(f"Int: step {self.step}; it must be 1 or more")
        if self.log and (self.lo < 1 or self.step != 1):
            raise SpaceError(
                "Int: log=True needs lo >= 1 and no step; for a geometric series write a Choice(8, 16, 32, ...)"
            )
        _set_condition(self)

    @property
    def values(self) -> range:
        return range(self.lo, self.hi + 1, self.step)

    def canonical(self, value: Any) -> int:
        """The value as a Python int; SpaceError when it isn't one of `values`."""
        if type(value) is not int:
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
                raise SpaceError(f"{_shown(value)} isn't a whole number; {self._nearest(value)}")
            value = int(value)
        if self.lo <= value <= self.hi and (value - self.lo) % self.step == 0:
            return int(value)
        raise SpaceError(f"{value} isn't allowed; {self._nearest(value)}")

    def draw(self, rng: np.random.Generator, n: int) -> list[int]:
        """`n` independent draws: uniform, or log-uniform with ``log=True``."""
        if not self.log:
            return [self.values[int(i)] for i in rng.integers(0, len(self.values), n)]
        reals = np.exp(rng.uniform(math.log(self.lo - 0.5), math.log(self.hi + 0.5), n))
        return [min(max(round(float(x)), self.lo), self.hi) for x in reals]

    def _nearest(self, value: Any) -> str:
        values = self.values
        described = f"{values[0]} to {values[-1]}" + (f" in steps of {self.step}" if self.step > 1 else "")
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer)) or value != value:
            return f"allowed is {described}"
        if value <= values[0] or value >= values[-1]:
            return f"allowed is {described}; nearest is {values[0] if value <= values[0] else values[-1]}"
        below = values[math.floor((value - self.lo) / self.step)]
        return f"allowed is {described}; nearest are {below} and {below + self.step}"

    def __repr__(self) -> str:
        return _text(
            self, [str(self.lo), str(self.hi)], {"step": 1, "log": False, "when": None, "used": True}
        )


@dataclass(frozen=True, init=False, repr=False)
class Choice:
    """One of the given values: whole numbers, finite floats, bools, texts or None. They have no order.

    `when` and `used` are as for `Int`. `removed`: values that it had before the space was tightened; none of them is
    allowed, but what is written for the whole space may go on naming them.
    """

    values: tuple[Scalar, ...]
    when: str | None
    used: bool
    removed: tuple[Scalar, ...]
    condition: Condition | None = field(compare=False)

    def __init__(
        self, *values: Any, when: str | None = None, used: bool = True, removed: Iterable[Any] = ()
    ) -> None:
        if len(values) == 1 and isinstance(values[0], (list, tuple, range, set)):
            raise SpaceError("Choice: the values are given one by one; write Choice(*values)")
        if not values:
            raise SpaceError("Choice: no values; write at least one, such as Choice(3, 5, 7)")
        _set(self, "values", tuple(_scalar(value) for value in values))
        _set(self, "removed", tuple(_scalar(value) for value in removed))
        known = self.values + self.removed
        for i, value in enumerate(known):
            if value in known[:i]:
                raise SpaceError(
                    f"Choice: {value!r} is there twice (1, 1.0 and True are equal); leave one out"
                )
        _set(self, "when", when)
        _set(self, "used", used)
        _check_flags(self, "used")
        _set_condition(self)

    def canonical(self, value: Any) -> Scalar:
        """The value as it was declared; SpaceError when it isn't one of `values`."""
        plain = value.item() if isinstance(value, np.generic) else value
        for declared in self.values:
            if same(plain, declared):
                return declared
        close = [v for v in self.values if isinstance(v, str)] if isinstance(plain, str) else []
        meant = difflib.get_close_matches(plain, close, 1) if close else []
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise SpaceError(f"{_shown(value)} isn't allowed; allowed is {listed(self.values)}{hint}")

    def draw(self, rng: np.random.Generator, n: int) -> list[Scalar]:
        """`n` independent draws, uniform."""
        return [self.values[int(i)] for i in rng.integers(0, len(self.values), n)]

    def __repr__(self) -> str:
        return _text(self, [repr(v) for v in self.values], {"when": None, "used": True, "removed": ()})


@dataclass(frozen=True, repr=False)
class Float:
    """A real number from `lo` to `hi`, for what concerns training only, such as a learning rate. No cost depends on it,
    and no condition may."""

    lo: float
    hi: float
    log: bool = field(default=False, kw_only=True)
    when: str | None = field(default=None, kw_only=True)
    condition: Condition | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("lo", "hi"):
            value = getattr(self, name)
            number = _number(value)
            if number is None or not math.isfinite(number):
                raise SpaceError(f"Float: {name} is {_shown(value)}; write a finite number")
            _set(self, name, number)
        _check_flags(self, "log")
        if self.lo > self.hi:
            raise SpaceError(f"Float: lo {self.lo} is beyond hi {self.hi}; write Float({self.hi}, {self.lo})")
        if self.log and self.lo <= 0:
            raise SpaceError(f"Float: log=True needs lo > 0, not {self.lo}")
        _set_condition(self)

    @property
    def used(self) -> bool:
        return False

    def canonical(self, value: Any) -> float:
        """The value as a Python float; SpaceError when it isn't within the range."""
        number = _number(value)
        if number is None or number != number:
            raise SpaceError(f"{_shown(value)} isn't a number; allowed is {self.lo} to {self.hi}")
        if self.lo <= number <= self.hi:
            return number
        nearest = self.lo if number < self.lo else self.hi
        raise SpaceError(f"{number} isn't allowed; allowed is {self.lo} to {self.hi}; nearest is {nearest}")

    def draw(self, rng: np.random.Generator, n: int) -> list[float]:
        """`n` independent draws: uniform, or log-uniform with ``log=True``."""
        if self.log:
            reals = np.exp(rng.uniform(math.log(self.lo), math.log(self.hi), n))
        else:
            reals = rng.uniform(self.lo, self.hi, n)
        return [min(max(float(x), self.lo), self.hi) for x in reals]

    def __repr__(self) -> str:
        return _text(self, [repr(self.lo), repr(self.hi)], {"log": False, "when": None})


Parameter = Union[Int, Choice, Float]


def listed(values: Iterable[Scalar]) -> str:
    """Values for a message, of long lists the beginning."""
    texts = [repr(value) for value in values]
    return ", ".join(texts if len(texts) <= 20 else [*texts[:20], f"... ({len(texts)} in all)"])


# ---- helpers


def _set(parameter: object, name: str, value: object) -> None:
    object.__setattr__(parameter, name, value)  # frozen, and this is its making


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."


def _whole(value: Any, name: str) -> int:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise SpaceError(f"Int: {name} is {_shown(value)}; write a whole number (for a real one use Float)")
    if abs(int(value)) > LARGEST:
        raise SpaceError(f"Int: {name} is {value}; it must be within -2**53 and 2**53")
    return int(value)


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _scalar(value: Any) -> Scalar:
    plain = value.item() if isinstance(value, np.generic) else value
    if plain is None or isinstance(plain, (bool, str)):
        return plain
    if isinstance(plain, int) and abs(plain) <= LARGEST:
        return plain
    if isinstance(plain, float) and math.isfinite(plain):
        return plain
    raise SpaceError(
        f"Choice: {_shown(value)}; values are whole numbers within 2**53, finite floats, bools, texts or None "
        "(for shapes, give each a name and look it up when building)"
    )


def _check_flags(parameter: object, *names: str) -> None:
    for name in names:
        if not isinstance(getattr(parameter, name), bool):
            given = _shown(getattr(parameter, name))
            raise SpaceError(f"{type(parameter).__name__}: {name} is {given}; write {name}=True or False")


def _set_condition(parameter: Parameter) -> None:
    if parameter.when is None:
        _set(parameter, "condition", None)
        return
    text, condition = parse(parameter.when)
    _set(parameter, "when", text)
    _set(parameter, "condition", condition)


def _text(parameter: Parameter, positional: list[str], defaults: dict[str, object]) -> str:
    options = [
        f"{n}={getattr(parameter, n)!r}" for n, usual in defaults.items() if getattr(parameter, n) != usual
    ]
    return f"{type(parameter).__name__}({', '.join([*positional, *options])})"
