"""Checked access to a target file: every complaint names file and key."""

from __future__ import annotations

import math
import sys
from typing import Any

from gonogo.errors import TargetError


def parse(text: str, where: str) -> dict[str, Any]:
    """The TOML of a file."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"target '{where}': not TOML: {error}") from error
    return data


class Table:
    """A table of the file."""

    def __init__(self, data: object, where: str, path: str = "") -> None:
        if not isinstance(data, dict):
            raise TargetError(f"target '{where}': {path or 'the file'} must be a table")
        self.data: dict[str, Any] = data
        self.where = where
        self.path = path

    def fail(self, key: str, what: str) -> TargetError:
        return TargetError(f"target '{self.where}': {self.path}{key}: {what}")

    def table(self, key: str) -> Table | None:
        if key not in self.data:
            return None
        return Table(self.data[key], self.where, f"{self.path}{key}.")

    def tables(self, key: str) -> list[Table]:
        rows = self.data.get(key, [])
        if not isinstance(rows, list):
            raise self.fail(key, "a list of tables is required")
        return [Table(row, self.where, f"{self.path}{key}[{i}].") for i, row in enumerate(rows)]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value:
            if value == "" == default:
                return ""
            raise self.fail(key, "a text is required")
        return value

    def flag(self, key: str) -> bool:
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false is required")
        return value

    def number(self, key: str) -> float:
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.fail(key, "a number is required")
        if value < 0:
            raise self.fail(key, "must not be negative")
        return float(value)

    def scale(self, units: dict[str, Any]) -> Any:
        if "unit" not in self.data:
            known = ", ".join(f'"{name}"' for name in units)
            raise self.fail(
                "unit", f"the unit is missing; write unit = {known.replace(', ', ' or ')} beside the number"
            )
        unit = self.text("unit")
        if unit not in units:
            raise self.fail("unit", f"'{unit}' isn't one of {', '.join(units)}")
        return units[unit]

    def bracket(self, scale: float) -> tuple[float, float, float]:
        return (self.number("lower") * scale, self.number("value") * scale, self.number("upper") * scale)
