"""Devices: their clock, memories, kernel library and calibration, read from TOML files that state unit and source.

The files beside this module are the devices that come with the package; `load` takes one of their names, or the path of
a file of your own in the same form. docs/cost-model.md describes the form.
"""

from __future__ import annotations

import difflib
import functools
import math
import os
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonogo import _core
from gonogo.errors import TargetError

if TYPE_CHECKING:
    from importlib.abc import Traversable

_BYTES = {"B": 1, "kB": 1000, "KiB": 1024, "MiB": 1024**2}
_HERTZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
_WATTS = {"W": 1.0, "mW": 1e-3, "uW": 1e-6}
_LARGEST_FILE = 1 << 20
_STANDINGS = ("estimated", "assumed")


@dataclass(frozen=True)
class Target:
    """A device. Sizes are None where the file doesn't state them."""

    name: str
    title: str
    core_name: str
    ram_bytes: int | None
    flash_bytes: int | None
    clock_hz: float | None
    engine: str
    kernels: str
    sources: tuple[tuple[str, str], ...]
    coverage: float | None
    networks: int
    power_conditions: str
    core: _core.CostTarget

    def __str__(self) -> str:
        return f"{self.name}: {self.title}"

    def __hash__(self) -> int:
        return hash(self.name)


def names() -> tuple[str, ...]:
    """The devices that come with the package."""
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml"))
    )


def list_targets() -> tuple[Target, ...]:
    """All devices that come with the package, read."""
    return tuple(_bundled(name) for name in names())


def load(name_or_path: str | os.PathLike[str]) -> Target:
    """The device of that name, or described by the file at that path.

    Raises `TargetError`, listing near names, when there is none, and when a file has gaps or wrong units.
    """
    if isinstance(name_or_path, str) and _plain(name_or_path):
        return _bundled(name_or_path)
    path = Path(name_or_path)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise TargetError(f"target file {path}: larger than {_LARGEST_FILE} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise TargetError(f"target file {path}: {error}") from error
    return _read(text, str(path))


load_target = load


# ---- helpers


def _plain(name: str) -> bool:
    return not name.endswith(".toml") and "/" not in name and os.sep not in name


def _folder() -> Traversable:
    return resources.files(__name__)


@functools.lru_cache(maxsize=64)
def _bundled(name: str) -> Target:
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise TargetError(
            f"no target '{name}'{hint} Known: {', '.join(known)}; or pass the path of a .toml file"
        )
    return _read(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"), name)


@functools.lru_cache(maxsize=16)
def _instructions(core: str, where: str) -> dict[str, dict[str, float]]:
    folder = _folder().joinpath("instructions")
    known = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    if core not in known:
        raise TargetError(f"target '{where}': no instruction counts for '{core}'; known: {', '.join(known)}")
    table = _parse(folder.joinpath(f"{core}.toml").read_text(encoding="utf-8"), where)["kernels"]
    return {kernel: {term: float(v) for term, v in row.items()} for kernel, row in table.items()}


def _parse(text: str, where: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"target '{where}': not TOML: {error}") from error
    return data


class _Table:
    """A table of the file with checked access; every complaint names file and key."""

    def __init__(self, data: object, where: str, path: str = "") -> None:
        if not isinstance(data, dict):
            raise TargetError(f"target '{where}': {path or 'the file'} must be a table")
        self.data: dict[str, Any] = data
        self.where = where
        self.path = path

    def fail(self, key: str, what: str) -> TargetError:
        return TargetError(f"target '{self.where}': {self.path}{key}: {what}")

    def table(self, key: str) -> _Table | None:
        if key not in self.data:
            return None
        return _Table(self.data[key], self.where, f"{self.path}{key}.")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value:
            if value == "" == default:
                return ""
            raise self.fail(key, "a text is required")
        return value

    def number(self, key: str) -> float:
        value = self.data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.fail(key, "a number is required")
        if value < 0:
            raise self.fail(key, "must not be negative")
        return float(value)

    def scale(self, units: dict[str, Any]) -> Any:
        unit = self.text("unit")
        if unit not in units:
            raise self.fail("unit", f"'{unit}' isn't one of {', '.join(units)}")
        return units[unit]

    def bracket(self, scale: float) -> tuple[float, float, float]:
        return (self.number("lower") * scale, self.number("value") * scale, self.number("upper") * scale)


def _memory(file: _Table, key: str) -> int | None:
    memory = file.table("memory")
    size = memory.table(key) if memory else None
    if size is None:
        return None
    size.text("source")
    return int(size.number("value") * size.scale(_BYTES))


def _read(text: str, where: str) -> Target:
    file = _Table(_parse(text, where), where)
    name = file.text("name")
    arena = file.table("arena")
    if arena is None:
        raise file.fail("arena", "a table is required")
    sources = [("arena", arena.text("source"))]
    clock, timing, power = file.table("clock"), file.table("timing"), file.table("power")
    hertz = None
    if clock is not None:
        hertz = clock.number("value") * clock.scale(_HERTZ)
        sources.append(("clock", clock.text("source")))
    instructions: dict[str, dict[str, float]] = {}
    cycles, standing, coverage, networks = None, "estimated", None, 0
    if timing is not None:
        instructions = _instructions(timing.text("instructions"), where)
        sources.append(("timing", timing.text("source")))
        ratio = timing.table("cycles_per_instruction")
        if ratio is not None:
            cycles = ratio.bracket(ratio.scale({"cycle per instruction": 1.0}))
            standing = ratio.text("standing")
            if standing not in _STANDINGS:
                raise ratio.fail("standing", f"must be one of {', '.join(_STANDINGS)}")
            if standing == "estimated":
                coverage, networks = ratio.number("coverage"), int(ratio.number("networks"))
            else:
                sources.append(("cycles per instruction", ratio.text("source")))
    watts = None
    if power is not None:
        watts = power.bracket(power.scale(_WATTS))
        sources.append(("power", power.text("source")))
    bits = arena.number("pointer_bits")
    return Target(
        name=name,
        title=file.text("title", name),
        core_name=file.text("core"),
        ram_bytes=_memory(file, "ram"),
        flash_bytes=_memory(file, "flash"),
        clock_hz=hertz,
        engine=timing.text("engine") if timing else "",
        kernels=arena.text("kernels"),
        sources=tuple(sources),
        coverage=coverage,
        networks=networks,
        power_conditions=power.text("conditions") if power else "",
        core=_core.CostTarget(
            name=name,
            kernels=arena.text("kernels"),
            pointer_bits=int(min(bits, 1024)),
            clock_hz=hertz,
            instructions=instructions,
            cycles_per_instruction=cycles,
            latency_standing=standing,
            power_watts=watts,
        ),
    )
