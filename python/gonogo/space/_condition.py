"""Conditions such as ``layers >= 2 and kind == 'conv'``: text in, a small tree out; nothing is ever executed.

`not` is removed while parsing: it turns a comparison into its opposite. So every leaf is a comparison that holds or
doesn't, and one rule covers parameters that don't exist: **a comparison that names one doesn't hold**.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Union

from gonogo.errors import SpaceError

Scalar = Union[int, float, bool, str, None]

_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ALLOWED = (
    "write comparisons of parameters with numbers, texts or each other, such as layers >= 2, 1 < layers <= 3, "
    "kind == 'conv' or kernel in (3, 5), joined by and, or, not"
)


def same(a: object, b: object) -> bool:
    """Equality in which True isn't 1."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


@dataclass(frozen=True)
class Name:
    """A parameter's value."""

    name: str


@dataclass(frozen=True)
class Constant:
    value: Scalar


Operand = Union[Name, Constant]


@dataclass(frozen=True)
class Comparison:
    """``left sign right``, where sign is one of < <= == != > >=; at least one side is a name."""

    left: Operand
    sign: str
    right: Operand

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        for side in (self.left, self.right):
            if isinstance(side, Name) and side.name not in values:
                return False
        left, right = _value(self.left, values), _value(self.right, values)
        if self.sign in ("==", "!="):
            return same(left, right) == (self.sign == "==")
        return _ORDER[self.sign](left, right)

    def leaves(self) -> Iterator[Comparison]:
        yield self


@dataclass(frozen=True)
class Membership:
    """``name in values``, or not in them."""

    name: Name
    values: tuple[Scalar, ...]
    negated: bool = False

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        if self.name.name not in values:
            return False
        found = values[self.name.name]
        return any(same(found, value) for value in self.values) != self.negated

    def leaves(self) -> Iterator[Membership]:
        yield self


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        return all(part.holds(values) for part in self.parts)

    def leaves(self) -> Iterator[Comparison | Membership]:
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True)
class Some:
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def holds(self, values: Mapping[str, Scalar]) -> bool:
        return any(part.holds(values) for part in self.parts)

    def leaves(self) -> Iterator[Comparison | Membership]:
        for part in self.parts:
            yield from part.leaves()


Condition = Union[All, Some, Comparison, Membership]


def names_of(leaf: Comparison | Membership) -> tuple[str, ...]:
    """The parameters that a leaf looks at."""
    sides = (leaf.name,) if isinstance(leaf, Membership) else (leaf.left, leaf.right)
    return tuple(side.name for side in sides if isinstance(side, Name))


def parse(text: str) -> tuple[str, Condition]:
    """The text with its spacing made uniform, and its tree.

    >>> parse("layers>=2 and not kind=='conv'")[0]
    "layers >= 2 and (not kind == 'conv')"
    """
    if not isinstance(text, str):
        raise SpaceError(
            f"when: {type(text).__name__} given; write the condition as text, such as 'layers >= 2'"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return ast.unparse(tree), _read(tree, False, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, SpaceError):
            raise
        raise SpaceError(f"when: {text[:200]!r} can't be read; {_ALLOWED}") from None


# ---- helpers


def _value(side: Operand, values: Mapping[str, Scalar]) -> Any:
    return values[side.name] if isinstance(side, Name) else side.value


def _refuse(node: ast.AST, text: str, why: str = "isn't known here") -> NoReturn:
    raise SpaceError(f"when: {text!r}: {ast.unparse(node)!r} {why}; {_ALLOWED}")


def _read(node: ast.expr, negated: bool, text: str) -> Condition:
    if isinstance(node, ast.BoolOp):
        parts = tuple(_read(part, negated, text) for part in node.values)
        return All(parts) if isinstance(node.op, ast.And) != negated else Some(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _read(node.operand, not negated, text)
    if isinstance(node, ast.Name):  # a Choice(True, False)
        return Comparison(Name(node.id), "==", Constant(not negated))
    if not isinstance(node, ast.Compare):
        _refuse(node, text)
    sides = [node.left, *node.comparators]
    links = tuple(
        _link(left, sign, right, negated, text)
        for left, sign, right in zip(sides, node.ops, sides[1:], strict=False)
    )
    if len(links) == 1:
        return links[0]
    return Some(links) if negated else All(links)


def _link(
    left: ast.expr, sign: ast.cmpop, right: ast.expr, negated: bool, text: str
) -> Comparison | Membership:
    if isinstance(sign, (ast.In, ast.NotIn)):
        if not isinstance(left, ast.Name) or not isinstance(right, (ast.Tuple, ast.List, ast.Set)):
            _refuse(right, text, "can't be looked in")
        values = tuple(_constant(item, text) for item in right.elts)
        return Membership(Name(left.id), values, isinstance(sign, ast.NotIn) != negated)
    if type(sign) not in _SIGNS:
        _refuse(right, text, "is compared by 'is'")
    first, second = _operand(left, text), _operand(right, text)
    if isinstance(first, Constant) and isinstance(second, Constant):
        _refuse(left, text, "is compared with another constant")
    name = _SIGNS[type(sign)]
    return Comparison(first, _OPPOSITE[name] if negated else name, second)


def _operand(node: ast.expr, text: str) -> Operand:
    return Name(node.id) if isinstance(node, ast.Name) else Constant(_constant(node, text))


def _constant(node: ast.expr, text: str) -> Scalar:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        sign = -1 if isinstance(node.op, ast.USub) else 1
        node = node.operand
        if isinstance(node, ast.Constant) and isinstance(node.value, (bool, str, type(None))):
            _refuse(node, text, "has no sign")
    if not isinstance(node, ast.Constant) or not isinstance(node.value, (int, float, bool, str, type(None))):
        _refuse(node, text)
    value: Scalar = node.value
    if isinstance(value, float) and not math.isfinite(value):
        _refuse(node, text, "isn't finite")
    return -value if sign < 0 and isinstance(value, (int, float)) else value
