"""How a space's values become the numbers that the core computes with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from gonogo import _core
from gonogo.architecture._symbols import Condition, Number, Ratio, Text
from gonogo.errors import ArchitectureError
from gonogo.space import All, Choice, Comparison, Constant, Float, Int, Membership, Name, Some, Space

Expr = _core.Expr
MOST_VALUES = 1 << 20


@dataclass(frozen=True)
class Coded:
    """One parameter: `values` in the core's order, and `codes`, the ascending numbers that stand for them.

    kind: "whole" numbers stand for themselves, "fraction" for their multiples of 1 / denominator, "truth" for 0 and 1,
    "text" for their position among `declared`. `removed`: what builders may still name though it is never the value.
    """

    name: str
    kind: str
    values: tuple[Any, ...]
    codes: tuple[float, ...]
    declared: tuple[Any, ...]
    denominator: int = 1
    log: bool = False
    removed: tuple[Any, ...] = ()

    @cached_property
    def index(self) -> dict[Any, int]:
        return {(type(v) is bool, v): i for i, v in enumerate(self.values)}

    def index_of(self, value: Any) -> int:
        return self.index[(type(value) is bool, value)]

    def symbol(self, expression: Expr) -> Any:
        if self.kind == "whole":
            return Number(expression)
        if self.kind == "fraction":
            return Ratio(expression, self.denominator)
        if self.kind == "truth":
            return Condition(expression)
        return Text(self.name, expression, self.declared, self.removed)

    @property
    def places(self) -> tuple[float, ...]:
        """Where the values lie on the scale on which a range is halved: that of the logarithm for positive numbers."""
        if self.kind in ("whole", "fraction") and self.codes[0] > 0:
            return tuple(math.log(c) for c in self.codes)
        return tuple(float(i) for i in range(len(self.codes)))


def coded(name: str, parameter: Int | Choice) -> Coded:
    if isinstance(parameter, Int):
        if len(parameter.values) > MOST_VALUES:
            raise ArchitectureError(
                f"parameter '{name}': {len(parameter.values)} values; the most are {MOST_VALUES}, give it a step"
            )
        values: tuple[Any, ...] = tuple(parameter.values)
        return Coded(name, "whole", values, tuple(float(v) for v in values), values, log=parameter.log)
    declared = parameter.values
    known = declared + parameter.removed  # which decide on the kind: builders compare with all of them
    if all(type(v) is bool for v in known):
        values = tuple(sorted(declared))
        return Coded(name, "truth", values, tuple(float(v) for v in values), declared)
    if all(type(v) is int for v in known):
        values = tuple(sorted(declared))
        return Coded(name, "whole", values, tuple(float(v) for v in values), declared)
    if all(type(v) in (int, float) for v in known):
        values = tuple(sorted(declared))
        exact = [Fraction(repr(v)) for v in values]
        common = math.lcm(*(f.denominator for f in exact))
        codes = tuple(float(f * common) for f in exact)
        if max(abs(c) for c in codes) >= 2.0**53:
            raise ArchitectureError(f"parameter '{name}': its decimals have too many digits")
        return Coded(name, "fraction", values, codes, declared, common)
    codes = tuple(float(i) for i in range(len(declared)))
    return Coded(name, "text", declared, codes, declared, removed=parameter.removed)


class Coding:
    """The coded parameters of a space, in its order; `Float` parameters have no part in a cost."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.parameters = tuple(
            coded(name, p) for name, p in space.parameters.items() if not isinstance(p, Float)
        )
        self.by_name = {p.name: p for p in self.parameters}
        self._exists: dict[str, Expr] = {}
        for p in self.parameters:
            when = space.parameters[p.name].condition
            self._exists[p.name] = Expr(1) if when is None else self._holds(when)

    def symbol(self, name: str) -> Expr:
        return Expr.symbol(name)

    def exists(self, name: str) -> Expr | None:
        """The condition under which a parameter exists; None: always."""
        return None if self.space.parameters[name].condition is None else self._exists[name]

    def exists_through(self, name: str) -> list[int]:
        """Numbers of the parameters that decide whether it exists."""
        order = [p.name for p in self.parameters]
        condition = self.exists(name)
        return [] if condition is None else [order.index(s) for s in condition.symbols]

    @property
    def ranges(self) -> list[tuple[str, float, float]]:
        return [(p.name, p.codes[0], p.codes[-1]) for p in self.parameters]

    def codes(self, config: Mapping[str, Any]) -> list[float]:
        """The numbers of a canonical configuration; a parameter that doesn't exist has its first."""
        return [
            p.codes[p.index_of(config[p.name])] if p.name in config else p.codes[0] for p in self.parameters
        ]

    def config(self, indices: Any) -> dict[str, Any]:
        """The canonical configuration at indices; `Float` parameters are left out."""
        found: dict[str, Any] = {}
        for p, i in zip(self.parameters, indices, strict=True):
            when = self.space.parameters[p.name].condition
            if when is None or when.holds(found):
                found[p.name] = p.values[int(i)]
        return found

    # ---- conditions as expressions

    def _holds(self, condition: Any) -> Expr:
        if isinstance(condition, (All, Some)):
            parts = [self._holds(part) for part in condition.parts]
            result = parts[0]
            for part in parts[1:]:
                result = result * part if isinstance(condition, All) else result.max(part)
            return result
        if isinstance(condition, Membership):
            some = Expr(0)
            for value in condition.values:
                some = some.max(self._equal(condition.name.name, value))
            found = Expr(1) - some if condition.negated else some
            return self._exists[condition.name.name] * found
        assert isinstance(condition, Comparison)
        holds = self._compare(condition)
        for side in (condition.left, condition.right):
            if isinstance(side, Name):
                holds = self._exists[side.name] * holds
        return holds

    def _equal(self, name: str, value: Any) -> Expr:
        p = self.by_name[name]
        try:
            code = p.codes[p.index_of(value)]
        except KeyError:
            return Expr(0)
        return Expr.symbol(name).equal(Expr(int(code)))

    def _compare(self, c: Comparison) -> Expr:
        if c.sign in ("==", "!="):
            for side, other in ((c.left, c.right), (c.right, c.left)):
                if isinstance(side, Name) and isinstance(other, Constant):
                    equal = self._equal(side.name, other.value)
                    return equal if c.sign == "==" else Expr(1) - equal
            equal = self._equal_parameters(c)
            return equal if c.sign == "==" else Expr(1) - equal
        left, right = (self._scaled(side) for side in (c.left, c.right))
        common = math.lcm(left[1], right[1])
        a, b = left[0] * Expr(common // left[1]), right[0] * Expr(common // right[1])
        if c.sign in ("<", ">="):
            return a.less(b) if c.sign == "<" else Expr(1) - a.less(b)
        return b.less(a) if c.sign == ">" else Expr(1) - b.less(a)

    def _equal_parameters(self, c: Comparison) -> Expr:
        assert isinstance(c.left, Name)
        assert isinstance(c.right, Name)
        a, b = self.by_name[c.left.name], self.by_name[c.right.name]
        some = Expr(0)
        for value in a.values:
            if (type(value) is bool, value) in b.index:
                some = some.max(self._equal(a.name, value) * self._equal(b.name, value))
        return some

    def _scaled(self, side: Name | Constant) -> tuple[Expr, int]:
        """A number as an expression over a denominator."""
        if isinstance(side, Name):
            return Expr.symbol(side.name), self.by_name[side.name].denominator
        exact = Fraction(repr(side.value))
        return Expr(exact.numerator), exact.denominator
