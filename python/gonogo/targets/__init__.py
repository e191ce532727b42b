"""Devices: their clock, memories, kernel library and calibration, read from TOML files that state unit and source.

The files beside this module are the devices that come with the package; `load` takes one of their names, or the path of
a file of your own in the same form. docs/cost-model.md describes the form.
"""

from __future__ import annotations

import difflib
import functools
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from gonogo import _core
from gonogo.errors import TargetError
from gonogo.targets._flash import BYTES, read_flash
from gonogo.targets._table import Table, parse
from gonogo.targets._timing import Timing, read_timing

if TYPE_CHECKING:
    from importlib.abc import Traversable

_HERTZ = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}
_WATTS = {"W": 1.0, "mW": 1e-3, "uW": 1e-6}
PLANNERS = ("tflm", "own")
# Behind a bundled name: the board with TensorFlow Lite Micro on it, whatever engine its latency was measured with.
_TFLM = "+tflm"
_LARGEST_FILE = 1 << 20


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
    timing: Timing | None

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

    RAM is exact where the engine plans as TensorFlow Lite Micro does, and an estimate elsewhere. ``"<name>+tflm"`` is
    the bundled device with TensorFlow Lite Micro's planner, for those who deploy with it; latency stays that of the
    engine that was measured.

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


def is_bundled(target: Target) -> bool:
    """Whether `load` gives this very target for its name."""
    return target.name.removesuffix(_TFLM) in names() and load(target.name) is target


def from_text(text: str, where: str) -> Target:
    """The device that a target file's text describes; `where` names it in messages."""
    return _read(text, where)


# ---- helpers


def _plain(name: str) -> bool:
    return not name.endswith(".toml") and "/" not in name and os.sep not in name


def _folder() -> Traversable:
    return resources.files(__name__)


@functools.lru_cache(maxsize=64)
def _bundled(name: str) -> Target:
    name, tflm = name.removesuffix(_TFLM), name.endswith(_TFLM)
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise TargetError(
            f"no target '{name}'{hint} Known: {', '.join(known)}; or pass the path of a .toml file"
        )
    return _read(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"), name, tflm=tflm)


def _memory(file: Table, key: str) -> int | None:
    memory = file.table("memory")
    size = memory.table(key) if memory else None
    if size is None:
        return None
    size.text("source")
    return int(size.number("value") * size.scale(BYTES))


def _read(text: str, where: str, *, tflm: bool = False) -> Target:
    file = Table(parse(text, where), where)
    name = file.text("name") + (_TFLM if tflm else "")
    arena = file.table("arena")
    if arena is None:
        raise file.fail("arena", "a table is required")
    sources = [("arena", arena.text("source"))]
    clock, timing, power = file.table("clock"), file.table("timing"), file.table("power")
    hertz = None
    if clock is not None:
        hertz = clock.number("value") * clock.scale(_HERTZ)
        sources.append(("clock", clock.text("source")))
    known = None
    if timing is not None:
        known = read_timing(timing)
        sources += known.sources
    watts = None
    if power is not None:
        watts = power.bracket(power.scale(_WATTS))
        sources.append(("power", power.text("source")))
    bits = arena.number("pointer_bits")
    planner = arena.text("planner", "tflm")
    if planner not in PLANNERS:
        raise arena.fail("planner", f"'{planner}' isn't one of {', '.join(PLANNERS)}")
    plans_as_tflm = tflm or planner == "tflm"
    flash = read_flash(file, tflm=plans_as_tflm)
    sources += flash.sources
    return Target(
        name=name,
        title=file.text("title", name) + (", arena of TensorFlow Lite Micro" if tflm else ""),
        core_name=file.text("core"),
        ram_bytes=_memory(file, "ram"),
        flash_bytes=_memory(file, "flash"),
        clock_hz=hertz,
        engine=known.engine if known else "",
        kernels=arena.text("kernels"),
        sources=tuple(sources),
        coverage=known.coverage if known else None,
        networks=known.networks if known else 0,
        power_conditions=power.text("conditions") if power else "",
        timing=known,
        core=_core.CostTarget(
            name=name,
            kernels=arena.text("kernels"),
            pointer_bits=int(min(bits, 1024)),
            plans_as_tflm=plans_as_tflm,
            **flash.arguments,
            clock_hz=hertz,
            instructions=known.instructions if known else {},
            cycles=list(known.cycles) if known else [],
            latency_scale=known.scale if known else (1.0, 1.0, 1.0),
            skips_zero_filters=known is not None and known.skips_zero_filters,
            latency_standing=known.standing if known else "estimated",
            power_watts=watts,
        ),
    )


from gonogo.targets.calibration import (  # noqa: E402  it reads targets itself
    Calibration,
    Measurement,
    calibrate,
    read_measurements,
)

__all__ = [
    "Calibration",
    "Measurement",
    "Target",
    "calibrate",
    "from_text",
    "list_targets",
    "load",
    "load_target",
    "names",
    "read_measurements",
]
