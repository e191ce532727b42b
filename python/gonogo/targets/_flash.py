"""What an engine puts into flash: how it stores the model, and how large its kernels and runtime are.

A target file names an engine that comes with the package (``[flash] engine = "x-cube-ai-7"``), or states the size of
its own code, measured once on a firmware without a network (``[flash.code]`` with value, unit and source). Without
either the size is assumed, and the interval is wide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from gonogo.targets._table import Table, parse

BYTES = {"B": 1, "kB": 1000, "KiB": 1024, "MiB": 1024**2}


@dataclass(frozen=True)
class Flash:
    """Arguments of `_core.CostTarget`, and where they come from."""

    arguments: dict[str, Any] = field(default_factory=dict)
    sources: tuple[tuple[str, str], ...] = ()


def read_flash(file: Table, *, tflm: bool) -> Flash:
    """`tflm`: whether TensorFlow Lite Micro runs on the target: no other engine's runtime, no other format."""
    table = file.table("flash")
    if table is None:
        return Flash()
    code = table.table("code")
    if code is None:
        record = _engine(table, table.text("engine"))
        return Flash() if tflm else Flash(_arguments(record), (("flash", record.text("source")),))
    if "engine" in table.data:
        raise table.fail("engine", "either an engine of the package or a code size of your own, not both")
    size = int(code.number("value") * code.scale(BYTES))
    stated: dict[str, Any] = {"code_bytes": (size, 0, 0, size), "code_scale": (1.0, 1.0, 1.0)}
    return Flash(stated | {"code_standing": "exact"}, (("flash", code.text("source")),))


def _arguments(record: Table) -> dict[str, Any]:
    stored, code, interval = (_required(record, key) for key in ("stored_constants", "code", "interval"))
    code.scale({"B": 1})
    sizes = tuple(int(code.number(key)) for key in ("base", "per_node", "per_scale", "float_base"))
    return {
        "stored_constants": (stored.number("lower"), stored.number("estimate"), stored.number("upper")),
        "code_bytes": sizes,
        "code_scale": (interval.number("lower"), 1.0, interval.number("upper")),
        "code_standing": "estimated",
    }


def _engine(table: Table, name: str) -> Table:
    folder = resources.files(__package__).joinpath("engines")
    known = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    if name not in known:
        raise table.fail("engine", f"no engine '{name}' with a known code size; known: {', '.join(known)}")
    return Table(parse(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"), name), name)


def _required(record: Table, key: str) -> Table:
    found = record.table(key)
    if found is None:
        raise record.fail(key, "a table is required")
    return found
