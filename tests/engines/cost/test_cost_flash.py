"""What lies in flash: the model as the engine stores it, and kernels and runtime."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core, targets
from gonogo.errors import TargetError
from gonogo.results import Feasibility

BOARD = """
name = "board"
core = "Cortex-M4"
[arena]
kernels = "cmsis-nn-dsp"
pointer_bits = 32
planner = "{planner}"
source = "test"
{flash}
"""


def board(flash: str = "", planner: str = "tflm") -> targets.Target:
    return targets.from_text(BOARD.format(flash=flash, planner=planner), "board.toml")


def dense(dtype: str, file_bytes: int = 0) -> _core.Graph:
    """Two dense layers without biases, of 8 x 8 and 4 x 8 weights."""
    b = _core.GraphBuilder("net", "tflite" if file_bytes else "onnx")
    if file_bytes:
        b.set_file(file_bytes, "")
    scale = (
        None
        if dtype == "float32"
        else _core.Quantization(np.array([0.5], np.float32), np.array([0], np.int32))
    )
    x = b.input("x", [1, 8], dtype, scale)
    for i, width in enumerate((8, 4)):
        w = b.constant(f"w{i}", np.zeros((width, 8), dtype), scale)
        y = b.activation(f"y{i}", None, dtype, scale)
        b.node("dense", f"d{i}", [x, w, -1], [y], {})
        x = y
    b.output(x)
    return b.build()


def ends(part: tuple[int, int, int]) -> tuple[int, int, int]:
    low, value, high = part
    assert low <= value <= high
    return part


def test_a_code_size_of_one_s_own_is_exact_and_counts_towards_the_floor() -> None:
    stated = board('[flash.code]\nvalue = 40\nunit = "KiB"\nsource = "map file"')
    assert ("flash", "map file") in stated.sources
    cost = gg.cost(dense("int8", 2000), stated)
    assert (cost.flash.value, cost.flash.standing) == (2000 + 40 * 1024, "exact")
    assert cost.floor("flash") == 2000 + 40 * 1024
    checked = gg.check(
        None, deployed=dense("int8", 2000), target=stated, limits={"flash": f"{2000 + 40 * 1024 - 1} B"}
    )
    assert checked.outcomes[0].feasibility is Feasibility.INFEASIBLE
    assert checked.outcomes[0].low_standing == "exact"


def test_without_one_the_code_is_assumed_and_rejects_nothing() -> None:
    cost = gg.cost(dense("int8", 2000), board())
    low, value, high = ends(cost.core.flash_code_bytes)
    assert (low, value, high) == (12288, 61440, 187392)
    assert cost.core.flash_code_standing == "assumed"
    assert cost.floor("flash") == 2000
    assert any("assumed" in note for note in cost.notes)
    checked = gg.check(None, deployed=dense("int8", 2000), target=board(), limits={"flash": "16 KiB"})
    assert checked.outcomes[0].feasibility is Feasibility.UNDECIDED


def test_an_engine_with_a_format_of_its_own_has_no_floor() -> None:
    """Compression may make the model smaller than its constants, and another container larger."""
    bare = _core.CostTarget(name="bare", kernels="reference", plans_as_tflm=False)
    assert _core.cost(dense("int8", 2000), bare).flash_model_floor_bytes == 0
    cost = gg.cost(dense("int8", 2000), board(planner="own"))
    assert cost.floor("flash") == 0
    assert cost.core.flash_model_standing == "estimated"
    assert ends(cost.core.flash_model_bytes) == (int(96 * 0.29), 96, 202)


def test_a_fitted_engine_counts_nodes_and_scales_and_knows_float_networks() -> None:
    known = board('[flash]\nengine = "x-cube-ai-7"', "own")
    record = targets._flash._engine(targets.Table({}, "x"), "x-cube-ai-7").data
    code = record["code"]
    cost = gg.cost(dense("int8"), known)
    assert cost.core.flash_code_bytes[1] == code["base"] + 2 * code["per_node"] + 2 * code["per_scale"]
    assert cost.core.flash_code_standing == "estimated"
    assert gg.cost(dense("float32"), known).core.flash_code_bytes[1] == code["float_base"]
    # TensorFlow Lite Micro on the same board is another runtime.
    assert targets.load("stm32h747").core is not targets.load("stm32h747+tflm").core
    assert gg.cost(dense("int8"), "stm32h747+tflm").core.flash_code_standing == "assumed"


@pytest.mark.parametrize(
    ("flash", "what"),
    [
        (
            '[flash]\nengine = "x-cube-ai-8"',
            "no engine 'x-cube-ai-8' with a known code size; known: x-cube-ai-10",
        ),
        ('[flash.code]\nvalue = 40\nsource = "x"', "unit is missing"),
        ('[flash.code]\nvalue = 40\nunit = "KiB"', "source"),
        ('[flash]\nengine = "x-cube-ai-7"\ncode = { value = 1, unit = "B", source = "x" }', "not both"),
        ("[flash]", "engine"),
    ],
)
def test_complaints_name_the_key(flash: str, what: str) -> None:
    with pytest.raises(TargetError, match=what) as error:
        board(flash, "own")
    assert "board.toml" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"code_bytes": (-1, 0, 0, 0)}, "code_bytes"),
        ({"code_standing": "exact"}, "only one size for all networks can be exact"),
        ({"code_standing": "measured"}, "must be one of 'exact', 'estimated', 'assumed'"),
        ({"code_scale": (2.0, 1.0, 3.0)}, "code_scale"),
        ({"stored_constants": (1.0, 1.0, 0.5)}, "stored_constants"),
    ],
)
def test_impossible_numbers_are_refused(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(TargetError, match=what):
        _core.CostTarget(name="t", kernels="reference", **fields)


@pytest.mark.corpus
def test_rows_of_the_model_zoo(corpus: Path) -> None:
    """Totals that ST publishes for networks whose files are here, inside the interval of the board's engine."""
    published = {
        (
            "MiniResNet 1stack",
            "64x50x1",
        ): "st_audio_event_detection__miniresnet__esc10__miniresnet_1stacks_64x50"
        "__miniresnet_1stacks_64x50_int8",
        ("Yamnet 256", "64x96x1"): "st_audio_event_detection__yamnet__esc_10__yamnet_256_64x96"
        "__yamnet_256_64x96_int8",
    }
    seen = 0
    with (corpus / "cost" / "measured" / "stm32zoo2023_memory.csv").open() as file:
        for row in csv.DictReader(file):
            name = published.get((row["model"], row["input"]))
            if name is None or not row["total_flash_KiB"]:
                continue
            flash = gg.cost(corpus / "cost" / "models" / f"{name}.tflite", "stm32u585").flash
            assert flash.low <= float(row["total_flash_KiB"]) * 1024 <= flash.high
            seen += 1
    assert seen == 2
