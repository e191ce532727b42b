"""The arena against TensorFlow Lite Micro's own recorded figures, and the planner against an independent check."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from gonogo import _core
from gonogo.errors import UnsupportedOperatorError
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from .conftest import Arena, GraphOf, Row

Rows = Callable[[str], list["Row"]]


def known(arena: Arena, rows: Rows, recurrent: tuple[str, ...]) -> list[Row]:
    """Rows of models that TFLM can load and whose operators the engine knows."""
    return [r for r in rows(arena.file) if r[arena.head] and r["model"] not in recurrent]


@pytest.mark.corpus
def test_the_activation_part_is_exact(
    arena: Arena, rows: Rows, graph_of: GraphOf, recurrent: tuple[str, ...]
) -> None:
    expected = {r["model"]: int(r[arena.head]) for r in known(arena, rows, recurrent)}
    assert len(expected) == 42
    found = {}
    for model in expected:
        cost = _core.cost(graph_of(model), arena.target)
        assert cost.ram_activation_standing == "exact"
        found[model] = cost.ram_activation_bytes
    assert found == expected


@pytest.mark.corpus
def test_the_persistent_part_is_near(
    arena: Arena, rows: Rows, graph_of: GraphOf, recurrent: tuple[str, ...]
) -> None:
    off = {}
    for row in known(arena, rows, recurrent):
        cost = _core.cost(graph_of(row["model"]), arena.target)
        assert cost.ram_persistent_standing == "estimated"
        assert cost.ram_persistent_bytes == sum(cost.ram_persistent_parts.values())
        assert cost.ram_bytes == cost.ram_activation_bytes + cost.ram_persistent_bytes
        off[row["model"]] = cost.ram_persistent_bytes - int(row[arena.tail])
    # Required: 128 bytes. In fact only a host arena whose size isn't a multiple of 16 differs at all, by its remainder.
    assert max(map(abs, off.values())) <= (8 if arena.pointer_bits == 64 else 0)


@pytest.mark.corpus
def test_parts_equal_the_recorded_categories(
    arena: Arena, rows: Rows, graph_of: GraphOf, recurrent: tuple[str, ...]
) -> None:
    for row in known(arena, rows, recurrent):
        parts = _core.cost(graph_of(row["model"]), arena.target).ram_persistent_parts
        assert parts["tensor records"] == int(row["eval_tensors"])
        assert parts["node records"] == int(row["node_reg"])


@pytest.mark.corpus
def test_what_the_runtime_cannot_load_is_undecided_or_refused(
    arena: Arena, rows: Rows, graph_of: GraphOf, recurrent: tuple[str, ...]
) -> None:
    failed = [r["model"] for r in rows(arena.file) if not r[arena.head]]
    assert len(failed) == 4
    for model in failed:
        cost = _core.cost(graph_of(model), arena.target)
        assert (cost.ram_bytes, cost.ram_activation_bytes, cost.ram_persistent_bytes) == (None, None, None)
        assert cost.ram_activation_standing == cost.ram_persistent_standing == "undecided"
        assert any(note.startswith(f"RAM undecided: {model}.tflite: node ") for note in cost.notes)
        with pytest.raises(UnsupportedOperatorError, match="node"):
            _core.plan_buffers(graph_of(model), arena.target)
    for model in recurrent:
        with pytest.raises(UnsupportedOperatorError, match="recurrent"):
            _core.cost(graph_of(model), arena.target)


@pytest.mark.corpus
def test_scratch_of_each_measured_layer(rows: Rows) -> None:
    """One-node graphs: the scratch column of the kernel counts, on each core."""
    import numpy as np

    scale = _core.Quantization(np.array([0.5], np.float32), np.array([0], np.int32), 0)
    cores = {"m0p": "cmsis-nn-plain", "m3": "cmsis-nn-plain", "m4": "cmsis-nn-dsp", "m55": "cmsis-nn-mve"}
    checked = 0
    for row in rows("cmsisnn_qemu_zoo_layers.csv"):
        if row["op"] not in ("conv2d", "dwconv2d", "avgpool"):
            continue
        n = {k: int(v) for k, v in row.items() if k not in ("op",) and v}
        b = _core.GraphBuilder("layer", "tflite")
        x = b.input("x", [1, n["in_h"], n["in_w"], n["in_c"]], "int8", scale)
        y = b.activation("y", [1, n["out_h"], n["out_w"], n["out_c"]], "int8", scale)
        bottom = (n["out_h"] - 1) * n["stride_h"] + n["kh"] - n["in_h"] - n["pad_h"]
        right = (n["out_w"] - 1) * n["stride_w"] + n["kw"] - n["in_w"] - n["pad_w"]
        attributes = {
            "strides": [n["stride_h"], n["stride_w"]],
            "padding": "explicit",
            "pads": [n["pad_h"], n["pad_w"], max(bottom, 0), max(right, 0)],
        }
        if row["op"] == "avgpool":
            b.node("average_pool2d", "n", [x], [y], {**attributes, "kernel": [n["kh"], n["kw"]]})
        else:
            first, last = (n["out_c"], n["in_c"]) if row["op"] == "conv2d" else (1, n["out_c"])
            w = b.constant_without_values("w", [first, n["kh"], n["kw"], last], "int8", scale)
            b.node(
                "conv2d" if row["op"] == "conv2d" else "depthwise_conv2d", "n", [x, w, -1], [y], attributes
            )
        b.output(y)
        graph = b.build()
        for core, kernels in cores.items():
            plan = _core.plan_buffers(graph, _core.CostTarget(name=core, kernels=kernels))
            scratch = sum(p.size_bytes for p in plan if p.name == "n scratch")
            assert scratch == -(-n[f"{core}_scratch"] // 16) * 16, (row, core)
            checked += 1
    assert checked > 1500


def test_parts_of_a_small_network_by_hand(small: _core.Graph) -> None:
    """Persistent structures counted by hand for a 32-bit build: each request rounded as the allocator rounds it."""
    cost = _core.cost(small, _core.CostTarget(name="m4", kernels="cmsis-nn-dsp"))
    parts = cost.ram_persistent_parts
    assert parts["tensor records"] == 7 * 12
    assert parts["node records"] == 3 * 32
    assert parts["per-channel scales"] == 2 * 16  # four channels: 16 bytes of multipliers, 16 of shifts
    assert parts["operator options"] == 28 + 1 + 5  # conv, mean, dense
    # Activations: x 192, y 256, m 16, z 16; while conv runs also its columns, 4 * align4(27) = 112.
    assert cost.ram_activation_bytes == 192 + 256 + 112
    assert cost.ram_live_bytes == cost.ram_activation_bytes
    assert (cost.peak_node, cost.peak_index) == ("conv", 0)


# ---- the planner


def live_peak(buffers: list[tuple[int, int, int]]) -> int:
    steps = range(max((last for _, _, last in buffers), default=0) + 1)
    return max((sum(s for s, first, last in buffers if first <= t <= last) for t in steps), default=0)


BUFFER = st.tuples(st.integers(0, 40).map(lambda k: 16 * k), st.integers(0, 12), st.integers(0, 6)).map(
    lambda b: (b[0], b[1], b[1] + b[2])
)


@given(st.lists(BUFFER, max_size=30))
def test_no_two_live_buffers_overlap(buffers: list[tuple[int, int, int]]) -> None:
    offsets = _core.greedy_offsets(buffers)
    assert len(offsets) == len(buffers)
    owner: dict[tuple[int, int], int] = {}  # (step, 16-byte slot) -> buffer: every slot, step by step
    for i, ((size, first, last), offset) in enumerate(zip(buffers, offsets, strict=True)):
        assert offset >= 0
        assert offset % 16 == 0
        for step in range(first, last + 1):
            for slot in range(offset // 16, (offset + size) // 16):
                assert owner.setdefault((step, slot), i) == i
    top = max((o + b[0] for o, b in zip(offsets, buffers, strict=True)), default=0)
    assert live_peak(buffers) <= top <= sum(b[0] for b in buffers)


@given(st.lists(BUFFER, max_size=30))
def test_every_buffer_lies_at_the_lowest_place_left(buffers: list[tuple[int, int, int]]) -> None:
    """The greedy rule itself, restated: largest first, of equals the later, each as low as those before it allow."""
    offsets = _core.greedy_offsets(buffers)
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i][0], -i))
    for rank, i in enumerate(order):
        size, first, last = buffers[i]
        taken = [
            (offsets[j], offsets[j] + buffers[j][0])
            for j in order[:rank]
            if buffers[j][1] <= last and first <= buffers[j][2]
        ]

        def fits(at: int, size: int = size, taken: list[tuple[int, int]] = taken) -> bool:
            return all(at + size <= lo or at >= hi for lo, hi in taken)

        ends = sorted({0, *(hi for _, hi in taken)})
        if size:
            assert offsets[i] == next(e for e in ends if fits(e))


def test_the_planner_refuses_nonsense() -> None:
    for bad in ((-1, 0, 1), (16, 2, 1), (1 << 41, 0, 0)):
        with pytest.raises(ValueError, match="buffers"):
            _core.greedy_offsets([bad])


@pytest.mark.corpus
def test_plan_names_places_and_lifetimes(arena: Arena, graph_of: GraphOf) -> None:
    graph = graph_of("kws_ref_model")
    plan = _core.plan_buffers(graph, arena.target)
    cost = _core.cost(graph, arena.target)
    assert max(p.offset_bytes + p.size_bytes for p in plan) == cost.ram_activation_bytes
    by_name = {p.name: p for p in plan if not p.name.endswith(" scratch")}
    assert set(by_name) == {n for n in graph.tensor_names if not graph.tensor(n).is_constant}
    assert by_name[graph.inputs[0]].first == 0
    assert by_name[graph.outputs[0]].last == len(graph.nodes)
    for a in plan:
        for b in plan:
            together = a is not b and a.first <= b.last and b.first <= a.last
            apart = (
                a.offset_bytes + a.size_bytes <= b.offset_bytes
                or b.offset_bytes + b.size_bytes <= a.offset_bytes
            )
            assert apart or not together
