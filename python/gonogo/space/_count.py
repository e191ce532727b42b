"""How many configurations a space has, without enumerating them.

Parameters are taken in their order. Of the values so far only those are kept that a later condition looks at, and of
values that no condition can tell apart only one, with the number that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from gonogo.space._condition import Comparison, Condition, Constant, Membership, Scalar, names_of
from gonogo.space._parameter import Float, Int, Parameter

Leaf = Union[Comparison, Membership]
# The values kept, by name: a parameter that doesn't exist isn't there.
State = tuple[tuple[str, Scalar], ...]


def count(items: tuple[tuple[str, Parameter], ...]) -> int:
    counts: dict[State, int] = {(): 1}
    for i, (name, parameter) in enumerate(items):
        rest = [leaf for _, p in items[i + 1 :] for leaf in _leaves(p.condition)]
        looked_at = {n for leaf in rest for n in names_of(leaf)}
        groups = _groups(parameter, [leaf for leaf in rest if name in names_of(leaf)], name)
        found: dict[State, int] = {}
        for state, number in counts.items():
            kept = tuple(pair for pair in state if pair[0] in looked_at)
            if parameter.condition is not None and not parameter.condition.holds(dict(state)):
                found[kept] = found.get(kept, 0) + number
                continue
            for value, weight in groups:
                key = (*kept, (name, value)) if name in looked_at else kept
                found[key] = found.get(key, 0) + number * weight
        counts = found
    return sum(counts.values())


def _leaves(condition: Condition | None) -> Iterable[Leaf]:
    return () if condition is None else condition.leaves()


def _groups(parameter: Parameter, leaves: list[Leaf], name: str) -> list[tuple[Scalar, int]]:
    """Values that stand for all: one of each group that `leaves` can't tell apart, and the group's size."""
    if isinstance(parameter, Float):
        return [(None, 1)]
    if not leaves:
        return [(None, len(parameter.values))]
    if any(
        len(names_of(leaf)) > 1 for leaf in leaves
    ):  # compared with another parameter: each counts for itself
        return [(value, 1) for value in parameter.values]
    if isinstance(parameter, Int):
        return _stretches(parameter.values, sorted({c for leaf in leaves for c in _constants(leaf)}))
    found: dict[tuple[bool, ...], tuple[Scalar, int]] = {}
    for value in parameter.values:
        key = tuple(leaf.holds({name: value}) for leaf in leaves)
        first, number = found.get(key, (value, 0))
        found[key] = first, number + 1
    return list(found.values())


def _stretches(values: range, constants: list[float]) -> list[tuple[Scalar, int]]:
    """The values cut before and after each constant: between cuts every comparison is the same."""
    found: list[tuple[Scalar, int]] = []
    done = 0
    for constant in constants:
        before, after = _how_many_below(values, constant), _how_many_below(values, constant, or_equal=True)
        found += [(values[a], b - a) for a, b in ((done, before), (before, after)) if b > a]
        done = max(done, after)
    if len(values) > done:
        found.append((values[done], len(values) - done))
    return found


def _how_many_below(values: range, constant: float, *, or_equal: bool = False) -> int:
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < constant or (or_equal and values[middle] == constant):
            low = middle + 1
        else:
            high = middle
    return low


def _constants(leaf: Leaf) -> list[float]:
    values: tuple[Scalar, ...]
    if isinstance(leaf, Membership):
        values = leaf.values
    else:
        values = tuple(side.value for side in (leaf.left, leaf.right) if isinstance(side, Constant))
    return [v for v in values if isinstance(v, (int, float))]
