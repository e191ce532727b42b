"""A space as a ConfigurationSpace of ConfigSpace 1, for SMAC and others; tightened or as it is.

    configuration_space(gg.hpo.tightened(space, gate.tighten().bounds), seed=0)

Conditions become ConfigSpace's. What bounds can't say isn't exported, since its forbidden clauses know no products:
check a configuration with ``gate.check(dict(configuration))``.
"""

from __future__ import annotations

from typing import Any

from gonogo.errors import SpaceError
from gonogo.space import All, Choice, Comparison, Condition, Float, Membership, Name, Parameter, Some, Space

try:
    import ConfigSpace
except ImportError as error:
    raise ImportError(
        "gonogo.hpo.configspace needs ConfigSpace, which isn't installed: pip install 'gonogo[configspace]'"
    ) from error

__all__ = ["configuration_space"]

# Conditions on whole numbers are written out value by value.
MANY = 10_000


def configuration_space(space: Space, *, name: str | None = None, seed: int | None = None) -> Any:
    """The space's parameters and conditions in ConfigSpace's words."""
    found = ConfigSpace.ConfigurationSpace(name=name, seed=seed)
    for parameter_name, p in space.parameters.items():
        found.add(_hyperparameter(parameter_name, p))
    for parameter_name, p in space.parameters.items():
        if p.condition is not None:
            found.add(_condition(p.condition, parameter_name, space, found))
    return found


def _hyperparameter(name: str, p: Parameter) -> Any:
    if isinstance(p, Float):
        if p.lo == p.hi:
            return ConfigSpace.Constant(name, p.lo)
        return ConfigSpace.UniformFloatHyperparameter(name, p.lo, p.hi, log=p.log)
    if len(p.values) == 1:
        return ConfigSpace.Constant(name, p.values[0])
    if isinstance(p, Choice):
        return ConfigSpace.CategoricalHyperparameter(name, list(p.values))
    if p.step > 1:
        return ConfigSpace.OrdinalHyperparameter(name, list(p.values))
    return ConfigSpace.UniformIntegerHyperparameter(name, p.lo, p.hi, log=p.log)


def _condition(condition: Condition, child: str, space: Space, made: Any) -> Any:
    if isinstance(condition, (All, Some)):
        parts = [_condition(part, child, space, made) for part in condition.parts]
        return (ConfigSpace.AndConjunction if isinstance(condition, All) else ConfigSpace.OrConjunction)(
            *parts
        )
    parent = _only_name(condition, child)
    p = space[parent]
    assert not isinstance(p, Float)  # no condition may look at one
    if len(p.values) > MANY:
        raise SpaceError(
            f"parameter '{child}': its condition looks at '{parent}', which has {len(p.values)} values; ConfigSpace "
            f"gets at most {MANY} of them"
        )
    values = [value for value in p.values if condition.holds({parent: value})]
    if not values:
        raise SpaceError(f"parameter '{child}': {p!r} never fulfils its condition; leave the parameter out")
    return ConfigSpace.InCondition(made[child], made[parent], values)


def _only_name(leaf: Comparison | Membership, child: str) -> str:
    if isinstance(leaf, Membership):
        return leaf.name.name
    names = [side.name for side in (leaf.left, leaf.right) if isinstance(side, Name)]
    if len(names) > 1:
        raise SpaceError(
            f"parameter '{child}': its condition compares {names[0]!r} with {names[1]!r}, which ConfigSpace has no "
            "condition for; compare with constants"
        )
    return names[0]
