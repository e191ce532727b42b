"""Spaces as JSON: a list of parameters, since their order counts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gonogo.errors import SpaceError
from gonogo.space._parameter import Choice, Float, Int, Parameter

FORMAT = "gonogo-space-1"
_FIELDS: dict[str, tuple[type[Parameter], tuple[str, ...], tuple[str, ...]]] = {
    "int": (Int, ("lo", "hi"), ("step", "log", "when", "used")),
    "choice": (Choice, ("values",), ("when", "used")),
    "float": (Float, ("lo", "hi"), ("log", "when")),
}


def document(items: Iterable[tuple[str, Parameter]]) -> dict[str, Any]:
    return {"format": FORMAT, "parameters": [_entry(name, parameter) for name, parameter in items]}


def _entry(name: str, parameter: Parameter) -> dict[str, Any]:
    kind = type(parameter).__name__.lower()
    _, positional, options = _FIELDS[kind]
    fields = {field: getattr(parameter, field) for field in (*positional, *options)}
    if isinstance(parameter, Choice):
        fields["values"] = list(parameter.values)
        if parameter.removed:
            fields["removed"] = list(parameter.removed)
    return {"name": name, "kind": kind, **fields}


def parameters(text: str) -> dict[str, Parameter]:
    try:
        read = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise SpaceError(f"space: not JSON ({error}); pass what Space.to_json wrote") from None
    if (
        not isinstance(read, dict)
        or read.get("format") != FORMAT
        or not isinstance(read.get("parameters"), list)
    ):
        raise SpaceError(f"space: not of format {FORMAT!r}; pass what Space.to_json wrote")
    found: dict[str, Parameter] = {}
    for i, entry in enumerate(read["parameters"]):
        name, parameter = _read(i, entry)
        if name in found:
            raise SpaceError(f"space: parameter {name!r} is there twice")
        found[name] = parameter
    return found


def _read(i: int, entry: Any) -> tuple[str, Parameter]:
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("name"), str)
        or entry.get("kind") not in _FIELDS
    ):
        raise SpaceError(f"space: parameter {i}: needs a name and a kind (int, choice, float)")
    make, positional, options = _FIELDS[entry["kind"]]
    if make is Choice and "removed" in entry:
        options = (*options, "removed")
    expected = {"name", "kind", *positional, *options}
    if set(entry) != expected:
        wrong = ", ".join(sorted(set(entry) ^ expected))
        raise SpaceError(f"space: parameter {entry['name']!r}: fields missing or unknown: {wrong}")
    given = [entry[field] for field in positional]
    if make is Choice:
        if not isinstance(given[0], list):
            raise SpaceError(f"space: parameter {entry['name']!r}: values must be a list")
        if not isinstance(entry.get("removed", []), list):
            raise SpaceError(f"space: parameter {entry['name']!r}: removed must be a list")
        given = given[0]
    return entry["name"], make(*given, **{field: entry[field] for field in options})
