"""A space: parameters in their order, and the configurations they make."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from gonogo.errors import SpaceError
from gonogo.space import _json
from gonogo.space._checks import check_conditions, check_name
from gonogo.space._condition import Scalar
from gonogo.space._count import count
from gonogo.space._parameter import Choice, Float, Int, Parameter

Config = dict[str, Any]


@dataclass(frozen=True, init=False, repr=False)
class Space:
    """Named parameters, in the order in which they are written.

    A *configuration* gives a value to every parameter that exists in it; in canonical form it is a dict in the order of
    declaration, without those whose `when` doesn't hold. A comparison in a `when` that names a parameter that doesn't
    exist doesn't hold (and ``not`` makes the opposite comparison, which doesn't either).
    """

    _items: tuple[tuple[str, Parameter], ...]

    def __init__(self, **parameters: Parameter) -> None:
        if not parameters:
            raise SpaceError("space: no parameters; write for example Space(width=Int(8, 64))")
        before: dict[str, Parameter] = {}
        for name, parameter in parameters.items():
            check_name(name)
            if not isinstance(parameter, (Int, Choice, Float)):
                raise SpaceError(
                    f"parameter '{name}': {type(parameter).__name__} given; write an Int, Choice or Float"
                )
            check_conditions(name, parameter, before)
            before[name] = parameter
        object.__setattr__(self, "_items", tuple(before.items()))

    # ---- what is in it

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self._items)

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        return MappingProxyType(dict(self._items))

    def __getitem__(self, name: str) -> Parameter:
        for known, parameter in self._items:
            if known == name:
                return parameter
        raise SpaceError(self._unknown(name))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @cached_property
    def size(self) -> int:
        """How many configurations there are, exactly, `Float` parameters left aside. A parameter that doesn't exist
        counts once."""
        return count(self._items)

    # ---- configurations

    def check(self, config: Mapping[str, Any]) -> Config:
        """The configuration in canonical form; SpaceError for an unknown name, a missing or a wrong value.

        Values of parameters that don't exist in it are dropped.

        >>> Space(width=Int(8, 64)).check({"width": 70})
        Traceback (most recent call last):
        gonogo._core.SpaceError: parameter 'width': 70 isn't allowed; allowed is 8 to 64; nearest is 64
        """
        if not isinstance(config, Mapping):
            raise SpaceError(f"configuration: {type(config).__name__} given; pass a dict of values by name")
        found: Config = {}
        given = 0
        for name, parameter in self._items:
            there = name in config
            given += there
            if parameter.condition is not None and not parameter.condition.holds(found):
                continue
            if not there:
                unknown = [n for n in config if n not in self.names]
                if unknown:  # most likely this one, misspelt
                    raise SpaceError(self._unknown(unknown[0]))
                raise SpaceError(f"parameter '{name}' is missing; it is {parameter!r}")
            try:
                found[name] = parameter.canonical(config[name])
            except SpaceError as error:
                raise SpaceError(f"parameter '{name}': {error}") from None
        if given != len(config):
            raise SpaceError(self._unknown(next(n for n in config if n not in self.names)))
        return found

    def active(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of the parameters that exist in a configuration."""
        return tuple(self.check(config))

    def sample(self, rng: np.random.Generator, n: int) -> list[Config]:
        """`n` configurations: each parameter drawn by itself, then those that don't exist dropped.

        So this is uniform (log-uniform with ``log=True``) in every parameter, not over `enumerate`.
        """
        columns = [parameter.draw(rng, n) for _, parameter in self._items]
        return [self._without_absent(row) for row in zip(*columns, strict=True)]

    def enumerate(self) -> Iterator[Config]:
        """Every configuration once, the last parameter changing fastest. SpaceError with a `Float` among them."""
        for name, parameter in self._items:
            if isinstance(parameter, Float):
                raise SpaceError(f"parameter '{name}' is a Float, which can't be enumerated; use sample")
        return self._from(0, {})

    def _from(self, i: int, found: Config) -> Iterator[Config]:
        if i == len(self._items):
            yield dict(found)
            return
        name, parameter = self._items[i]
        assert not isinstance(parameter, Float)
        if parameter.condition is not None and not parameter.condition.holds(found):
            yield from self._from(i + 1, found)
            return
        for value in parameter.values:
            found[name] = value
            yield from self._from(i + 1, found)
        del found[name]

    def _without_absent(self, row: Iterable[Scalar]) -> Config:
        found: Config = {}
        for (name, parameter), value in zip(self._items, row, strict=True):
            if parameter.condition is None or parameter.condition.holds(found):
                found[name] = value
        return found

    # ---- in and out

    def to_json(self) -> str:
        return json.dumps(_json.document(self._items), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Space:
        return cls(**_json.parameters(text))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of `to_json`: equal for equal spaces, on every machine."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Space({', '.join(f'{name}={parameter!r}' for name, parameter in self._items)})"

    def _unknown(self, name: object) -> str:
        meant = difflib.get_close_matches(name, self.names, 1) if isinstance(name, str) else []
        hint = f"did you mean '{meant[0]}'?" if meant else f"there are: {', '.join(self.names)}"
        return f"no parameter is called {name!r}; {hint}"
