"""Operational design domains: the range of every feature that a network is specified for, by name and with its unit.

A file of ranges is TOML::

    [temperature]
    lo = -40
    hi = 85
    unit = "degC"
    mean = 20.0        # optional: the model reads (value - mean) / std
    std = 12.5

or JSON with the same tables, or CSV with a header ``feature,lo,hi,unit`` (and ``mean,std``). The features come in the
order of the file, which is the order of the model's input. Decimal text is read outward: the box holds every number
that was written.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from gonogo import units
from gonogo._core import numeric
from gonogo.errors import BoxError
from gonogo.interval import Interval

_KNOWN = ("lo", "hi", "unit", "mean", "std")
_MAX_BYTES = 1 << 24
_MAX_NUMBER = 400
_SHOWN = 4

RangesLike = Union[str, "os.PathLike[str]", Mapping[str, Any]]


@dataclass(frozen=True)
class Feature:
    """One feature's range, in its own unit, and as the model reads it: an enclosure, every end rounded outward."""

    name: str
    stated: Interval
    unit: str
    read: Interval

    def __str__(self) -> str:
        text = f"{self.name} [{units.down(self.stated.lower, 6)}, {units.up(self.stated.upper, 6)}]"
        return f"{text} {self.unit}".rstrip()


def features(source: RangesLike, order: Sequence[str] | None = None) -> tuple[list[Feature], str]:
    """The features of a mapping or a file, in the order asked for, and a text that says where they come from.

    Raises
    ------
    BoxError : a file that can't be read, a feature that is missing or has no valid range
    """
    if isinstance(source, Mapping):
        name, table = "ranges", dict(source)
    else:
        path = Path(source)
        name, table = path.name, _read(path)
    if not table:
        raise BoxError(f"{name}: no features")
    names = list(table) if order is None else list(order)
    missing = [n for n in names if n not in table]
    if missing or not names:
        raise BoxError(f"{name}: no range for {missing}; there are {list(table)}")
    if len(set(names)) != len(names):
        raise BoxError(f"{name}: a feature is listed twice in {names}")
    found = [_feature(str(n), table[n], f"{name}: feature {n!r}") for n in names]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return found, f"{name}: " + ", ".join(str(f) for f in found[:_SHOWN]) + more


def _feature(name: str, entry: object, what: str) -> Feature:
    if isinstance(entry, (tuple, list)) and len(entry) in (2, 3):
        entry = dict(zip(("lo", "hi", "unit"), entry, strict=False))
    if not isinstance(entry, Mapping):
        raise BoxError(f"{what}: give lo, hi and a unit")
    unknown = [k for k in entry if k not in _KNOWN]
    if unknown or "lo" not in entry or "hi" not in entry or ("mean" in entry) != ("std" in entry):
        raise BoxError(
            f"{what}: holds {sorted(map(str, entry))}; expected lo, hi, unit, and mean with std or neither"
        )
    unit = entry.get("unit", "")
    if not isinstance(unit, str):
        raise BoxError(f"{what}: unit {unit!r} isn't a text")
    low, high = (_number(entry[end], f"{what}, {end}") for end in ("lo", "hi"))
    # Written numbers between the same two doubles can't be told apart, and make a box all the same.
    if low[1] > high[0] and low != high:
        raise BoxError(f"{what}: lo {entry['lo']!s} is above hi {entry['hi']!s}")
    stated = Interval(low[0], high[1])
    read = stated
    if "mean" in entry:
        mean, std = (Interval(*_number(entry[k], f"{what}, {k}")) for k in ("mean", "std"))
        if not std.lower > 0.0:
            raise BoxError(f"{what}: std {entry['std']!s} isn't positive")
        read = (stated - mean) / std
    if not (math.isfinite(read.lower) and math.isfinite(read.upper)):
        raise BoxError(f"{what}: leaves the range of float64")
    return Feature(name, stated, unit, read)


class _Written(str):
    """A number as it was written; printed the same way in messages."""


def _number(value: object, what: str) -> tuple[float, float]:
    """The doubles on either side of a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BoxError(f"{what}: {value!r} isn't a number")
    if isinstance(value, float):
        found = (value, value)
    else:
        text = str(value).strip()
        try:
            if len(text) > _MAX_NUMBER:
                raise ValueError("a number with more than 400 characters")
            found = numeric.parse_decimal(text)
        except ValueError:
            raise BoxError(f"{what}: {text[:40]!r} isn't a finite number") from None
    if not (math.isfinite(found[0]) and math.isfinite(found[1])):
        raise BoxError(f"{what}: {value} isn't a finite number")
    return found


def _read(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise BoxError(f"{path}: {size} bytes; files of ranges over {_MAX_BYTES} bytes aren't read")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        suffix = path.suffix.lower()
        if suffix == ".toml":
            return _toml(text)
        if suffix == ".json":
            data = json.loads(text, parse_float=_Written, parse_int=_Written, object_pairs_hook=_once)
            if not isinstance(data, dict):
                raise ValueError("the file must hold an object")
            return data
        if suffix == ".csv":
            return _csv(text)
    except (ValueError, RecursionError, csv.Error) as problem:
        raise BoxError(f"{path}: not a file of ranges: {' '.join(str(problem).split())}") from None
    raise BoxError(f"{path}: a file of ranges ends in .toml, .json or .csv")


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    data: dict[str, Any] = tomllib.loads(text, parse_float=lambda t: _Written(t.replace("_", "")))
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _csv(text: str) -> dict[str, Any]:
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), strict=True)]
    rows = [row for row in rows if any(row)]
    if not rows or rows[0][:3] != ["feature", "lo", "hi"] or any(n not in _KNOWN for n in rows[0][1:]):
        raise ValueError("the header must be feature,lo,hi, then any of unit,mean,std")
    pairs = []
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise ValueError(f"row {row[0]!r}: {len(row)} columns, the header has {len(rows[0])}")
        entry = {k: v for k, v in zip(rows[0][1:], row[1:], strict=True) if v or k in ("lo", "hi")}
        pairs.append((row[0], entry))
    return _once(pairs)
