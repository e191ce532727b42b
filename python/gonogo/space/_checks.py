"""What must hold between a space's parameters: names, and conditions that can be decided."""

from __future__ import annotations

import keyword
from collections.abc import Mapping

from gonogo.errors import SpaceError
from gonogo.space._condition import Comparison, Constant, Membership, Name, names_of
from gonogo.space._parameter import Choice, Float, Int, Parameter


def check_name(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise SpaceError(
            f"parameter {name!r}: a name is made of letters, digits and _, begins with a letter, and is no keyword of "
            "Python's"
        )


def check_conditions(name: str, parameter: Parameter, before: Mapping[str, Parameter]) -> None:
    """Every name in `when` is one declared before, and every comparison one that can hold."""
    if parameter.condition is None:
        return
    where = f"parameter '{name}': when {parameter.when!r}"
    for leaf in parameter.condition.leaves():
        for other in names_of(leaf):
            if other not in before:
                why = "is the parameter itself" if other == name else "isn't a parameter declared before it"
                known = ", ".join(before) or "none"
                raise SpaceError(f"{where}: {other!r} {why}; it may look at: {known}")
            if isinstance(before[other], Float):
                raise SpaceError(
                    f"{where}: {other!r} is a Float; a condition may look at Int and Choice only"
                )
        if isinstance(leaf, Membership):
            for value in leaf.values:
                _check_value(where, leaf.name.name, before[leaf.name.name], value)
        elif leaf.sign in ("==", "!="):
            for side, opposite in ((leaf.left, leaf.right), (leaf.right, leaf.left)):
                if isinstance(side, Name) and isinstance(opposite, Constant):
                    _check_value(where, side.name, before[side.name], opposite.value)
        else:
            _check_order(where, leaf, before)


def _check_value(where: str, name: str, parameter: Parameter, value: object) -> None:
    try:
        parameter.canonical(value)
    except SpaceError as error:
        raise SpaceError(f"{where}: '{name}' is never {value!r}: {error}") from None


def _check_order(where: str, leaf: Comparison, before: Mapping[str, Parameter]) -> None:
    """Only numbers are less or more."""
    for side in (leaf.left, leaf.right):
        if isinstance(side, Constant):
            if isinstance(side.value, bool) or not isinstance(side.value, (int, float)):
                raise SpaceError(
                    f"{where}: {side.value!r} with {leaf.sign}; only numbers are ordered, use == or in"
                )
            continue
        parameter = before[side.name]
        values = (
            () if isinstance(parameter, Int) else parameter.values if isinstance(parameter, Choice) else ()
        )
        odd = [v for v in values if isinstance(v, bool) or not isinstance(v, (int, float))]
        if odd:
            raise SpaceError(
                f"{where}: '{side.name}' can be {odd[0]!r}, and only numbers are ordered; use == or in"
            )
