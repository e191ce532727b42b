"""Decisions: what is called proved is never contradicted, what is called refuted really changes, and errors count."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.decision import DecisionResult, Stability, _pair
from gonogo.errors import BoxError, ShapeError
from support.results import make_error

DEMO = Path(gg.__file__).parent / "demo"
STEP = 1.0 / 255.0


@pytest.fixture(scope="module")
def pair() -> tuple[_core.Graph, _core.Graph]:
    return gg.load(DEMO / "digits_float32.tflite"), gg.load(DEMO / "digits_int8.tflite")


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """One image and ever noisier ones around it, so that decisions of every kind are among them."""
    box = gg.Box.from_file(DEMO / "digits_box.json")
    centre = (box.lo[0] + box.hi[0]) / 2
    r = np.random.default_rng(0)
    noise = [s * r.normal(size=centre.shape) for s in (0.0, 0.1, 0.2, 0.4) for _ in range(5)]
    return np.concatenate([np.clip(centre + n, 0.0, 1.0) for n in noise])


def dense(name: str, weights: Any, bias: Any) -> _core.Graph:
    """One dense layer in float32."""
    w, b = np.asarray(weights, np.float32), np.asarray(bias, np.float32)
    builder = _core.GraphBuilder(name, "test")
    x = builder.input("x", [1, w.shape[1]], "float32")
    y = builder.activation("y", [1, w.shape[0]], "float32")
    builder.node("dense", "dense", [x, builder.constant("w", w), builder.constant("b", b)], [y])
    builder.output(y)
    return builder.build()


def inputs_of(row: np.ndarray, radius: float, seed: int, count: int) -> Iterator[np.ndarray]:
    """Corners and inner points of a row's box."""
    r = np.random.default_rng(seed)
    for k in range(count):
        share = r.uniform(-1.0, 1.0, row.shape)
        yield np.clip(row + radius * (np.sign(share) if k % 2 else share), 0.0, 1.0)


def decision(reference: _core.Graph, x: np.ndarray) -> int | None:
    """The reference's argmax, where its enclosure tells."""
    ((low, high),) = _core.evaluate_real(reference, [x], [x]).values()
    k = int(np.argmax(low))
    return k if low.flat[k] > np.delete(high, k).max() else None


# ---- soundness


@pytest.mark.parametrize("radius", [0.0, STEP / 2, 4 * STEP])
@pytest.mark.parametrize("form", ["rows", "one box"])
def test_no_proved_decision_changes(pair: Any, rows: np.ndarray, radius: float, form: str) -> None:
    reference, deployed = pair
    box = {"box": gg.Box(rows.min(axis=0) - 1, rows.max(axis=0) + 1)} if form == "one box" else {}
    found = gg.decision_margin(reference, deployed, rows, radius=radius, clip=(0, 1), **box)
    device = _core.DeviceRunner(deployed, "tflm")
    assert found.proved > 5 or radius > STEP
    assert found.proved + found.refuted + found.undecided == len(rows) == len(found.rows)
    for d, row in zip(found.rows, rows, strict=True):
        if d.verdict is not Stability.PROVED:
            continue
        assert d.reference_margin > 0
        assert d.deployed_margin > 0
        for x in inputs_of(row[None], radius, d.row, 40):
            ((out, _),) = device([x])
            assert decision(reference, x) == d.winner
            others = np.delete(out, d.winner)
            assert out.flat[d.winner] - others.max() >= d.deployed_margin
            assert d.deployed_margin > 0


def test_a_refuted_decision_has_its_witness(pair: Any, rows: np.ndarray) -> None:
    reference, deployed = pair
    found = gg.decision_margin(reference, deployed, rows, radius=16 * STEP, clip=(0, 1), points=40)
    device = _core.DeviceRunner(deployed, "tflm")
    assert found.refuted
    for d in found.rows:
        assert (d.witness is not None) == (d.verdict is Stability.REFUTED)
        if d.witness is not None:
            (x,) = d.witness
            assert np.all(np.abs(x - rows[d.row]) <= 16 * STEP + 1e-9)
            ((out, _),) = device([x])
            k = decision(reference, x)
            assert k is None or np.flatnonzero(out == out.max()).tolist() != [k]


@pytest.mark.parametrize("seed", range(6))
def test_small_dense_nets_against_all_corners(seed: int) -> None:
    # The difference of two dense layers is affine: its extremes are at the corners, which are few enough to try.
    r = np.random.default_rng(seed)
    w, b = r.normal(size=(3, 4)), r.normal(size=3)
    reference = dense("r", w, b)
    moved = w + 0.1 * r.normal(size=w.shape)
    deployed = dense("d", moved, b)
    data = r.uniform(-1, 1, (40, 4))
    radius = 0.05
    found = gg.decision_margin(reference, deployed, data, radius=radius, semantics="real", points=16)

    def exact(graph_weights: np.ndarray, x: np.ndarray) -> list[Fraction]:
        single = graph_weights.astype(np.float32)
        bias = b.astype(np.float32)
        return [
            sum(
                (Fraction(float(v)) * Fraction(float(z)) for v, z in zip(row, x, strict=True)),
                Fraction(float(c)),
            )
            for row, c in zip(single, bias, strict=True)
        ]

    verdicts = set()
    for d, row in zip(found.rows, data, strict=True):
        verdicts.add(d.verdict)
        if d.verdict is Stability.PROVED:
            for signs in itertools.product((-radius, radius), repeat=4):
                x = row + np.array(signs)
                for weights in (w, moved):
                    y = exact(weights, x)
                    assert max(range(3), key=y.__getitem__) == d.winner
        if d.witness is not None:
            x = d.witness[0].ravel()
            a, c = exact(w, x), exact(moved, x)
            assert max(range(3), key=a.__getitem__) != max(range(3), key=c.__getitem__)
    assert Stability.PROVED in verdicts


def test_a_larger_error_takes_the_proofs_away() -> None:
    # element 1 is off by `planted`, against a reference that leads by exactly one.
    data = np.zeros((3, 2))
    reference = dense("r", [[1, 0], [0, 1]], [1, 0])
    kinds = {0.0: Stability.PROVED, 0.5: Stability.PROVED, 1.0: Stability.UNDECIDED, 1.5: Stability.REFUTED}
    for planted, verdict in kinds.items():
        deployed = dense("d", [[1, 0], [0, 1]], [1, planted])
        found = gg.decision_margin(reference, deployed, data, semantics="real")
        assert {d.verdict for d in found.rows} == {verdict}, planted


def test_a_tie_proves_nothing() -> None:
    tied = dense("t", [[1, 0], [1, 0]], [0, 0])
    found = gg.decision_margin(tied, tied, np.ones((1, 2)), semantics="real")
    assert found.undecided == 1
    assert (found.fraction, found.fraction_upper) == (0.0, 1.0)
    assert math.copysign(1.0, found.fraction) > 0


@pytest.mark.soundness
def test_margins_are_rounded_against_the_claim() -> None:
    # 1 + 2^-60 isn't a double: to nearest, the margin would be 1, and a lead of 1 + 2^-60 / 2 would count as safe.
    error = make_error([0.1, 0.2, 0.3], [0.0, 0.0, 0.0])
    for k, margin in enumerate(error.safe_margins):
        assert Fraction(float(margin)) >= max(
            Fraction(float(error.upper[j])) - Fraction(float(error.lower[k])) for j in range(3) if j != k
        )
    third = make_error([1.0, 2.0**-60], [0.0, 0.0])
    assert third.safe_margin > 1.0


def test_safe_margin_of_one_element_and_of_unbounded_ones() -> None:
    assert make_error([1.0], [0.5]).safe_margin == 0.0
    assert make_error([math.inf, 1.0], [0.5, 0.5]).safe_margin == math.inf


def test_the_safe_margin_is_safe(pair: Any, rows: np.ndarray) -> None:
    reference, deployed = pair
    box = gg.Box(0.0, 1.0)
    found = gg.decision_margin(reference, deployed, rows, box=box, tensor="logits")
    assert found.outside == 0
    assert found.error is not None
    assert found.safe_margin is not None
    assert found.safe_margin <= 2 * found.error.worst * (1 + 1e-12)
    for d in found.rows:
        if d.reference_margin > found.safe_margin:
            assert d.verdict is Stability.PROVED


def test_rows_outside_the_box_borrow_nothing_from_it(pair: Any, rows: np.ndarray) -> None:
    reference, deployed = pair
    far = gg.Box(5.0, 5.0)
    found = gg.decision_margin(reference, deployed, rows[:3], box=far, radius=STEP)
    alone = gg.decision_margin(reference, deployed, rows[:3], radius=STEP)
    assert found.outside == 3
    assert found.proved <= alone.proved


@pytest.mark.parametrize("seed", range(20))
def test_the_formula(seed: int) -> None:
    # Ranges made by hand, signed errors of any offset: the margin is that of the worst values in them, in fractions.
    r = np.random.default_rng(seed)
    mid = np.array([4.0, 0.0, 1.0]) + r.normal(size=3)
    ref = mid - 0.1, mid + 0.1
    off = r.normal(size=3)
    diff = off - 0.2 * r.random(3), off + 0.2 * r.random(3)
    pair = object.__new__(_pair.Pair)
    pair.reference = lambda *_: ref  # type: ignore[method-assign]
    pair.device = lambda *_: (np.full(3, -math.inf), np.full(3, math.inf))  # type: ignore[method-assign]
    found = pair.margins([], [], "linear", lambda: diff)
    k = found.winner
    least = min(
        Fraction(float(ref[0][k])) + Fraction(float(diff[0][k]))
        - Fraction(float(ref[1][j])) - Fraction(float(diff[1][j]))
        for j in range(3) if j != k
    )  # fmt: skip
    assert Fraction(found.deployed) <= least
    assert float(least) - found.deployed < 1e-12


def test_a_tie_in_the_input_is_read_either_way(pair: Any, rows: np.ndarray) -> None:
    reference, deployed = pair
    scale = float(deployed.tensor("image").quantization.scales[0])
    on_grid = [np.full((1, 8, 8, 1), 3 * scale)]
    half = [np.full((1, 8, 8, 1), 3.5 * scale)]
    asked = _pair.Pair(reference, deployed, "tflm", None, (on_grid, on_grid), None)
    assert asked.margins_at(on_grid).deployed > -math.inf
    assert asked.margins_at(half) == _pair.Margins.nothing()
    several = _pair.Pair(reference, deployed, "any", None, (on_grid, on_grid), None)
    assert several.margins_at(on_grid) == _pair.Margins.nothing()


def test_the_reference_also_at_what_a_float32_device_reads() -> None:
    graph = dense("r", [[1, 0], [0, 1]], [0, 0])
    x = np.array([[0.1, 0.2]])
    asked = _pair.Pair(None, graph, gg.Float32(), None, ([x], [x]), None)
    low, high = asked.reference([x], [x], "interval")
    for value in (x.ravel(), x.ravel().astype(np.float32).astype(np.float64)):
        assert (low <= value).all()
        assert (value <= high).all()


def test_float32_ends_lie_outside() -> None:
    values = np.array([0.1, -0.1, 1.0, 0.0, 1e-40, -1e-40, 5e-324, 16777217.0, -0.0, 3e38])
    low, high = _pair._single(values, -1), _pair._single(values, 1)
    assert (low <= values).all()
    assert (values <= high).all()
    for ends in (low, high):
        assert (ends.astype(np.float32).astype(np.float64) == ends).all()
    assert (low[2], high[2], low[3], high[3]) == (1.0, 1.0, 0.0, 0.0)
    assert ((high - low)[:2] < 1e-8).all()


# ---- every semantics, and what is refused


@pytest.mark.parametrize(
    ("profile", "semantics"),
    [("any", None), ("litert", None), ("xnnpack", None), ("tflm", "real")],
)
def test_integer_profiles(pair: Any, rows: np.ndarray, profile: str, semantics: str | None) -> None:
    found = gg.decision_margin(*pair, rows[:6], profile=profile, semantics=semantics, radius=STEP / 2)
    assert found.proved >= 4
    assert found.tensor == "probabilities"


@pytest.mark.parametrize("method", ["interval", "linear", "optimised"])
def test_the_method_asked_for_has_the_last_word(
    pair: Any, rows: np.ndarray, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    margins = _pair.Pair.margins

    def watched(self: Any, lo: Any, hi: Any, level: str, difference: Any) -> Any:
        asked.append(level)
        return margins(self, lo, hi, level, difference)

    monkeypatch.setattr(_pair.Pair, "margins", watched)
    found = gg.decision_margin(*pair, rows[:1], radius=0.5, method=method, points=0)
    assert found.undecided == 1  # so nothing was left untried
    assert asked == ["interval", *([method] if method != "interval" else [])]


@pytest.mark.parametrize("semantics", ["float32", "bfloat16", "fixed:16.10", "fixed:4.1"])
def test_other_semantics(semantics: str) -> None:
    r = np.random.default_rng(3)
    graph = dense("r", r.normal(size=(3, 4)), r.normal(size=3))
    data = r.uniform(-1, 1, (12, 4))
    found = gg.decision_margin(None, graph, data, semantics=semantics, radius=0.01)
    device = _core.DeviceRunner(graph, gg.semantics.plain(gg.semantics.parse(semantics)))
    assert found.proved > 6 or semantics == "fixed:4.1"
    for d, row in zip(found.rows, data, strict=True):
        for variant in range(device.variants) if d.verdict is Stability.PROVED else ():
            ((low, high),) = device([row[None]], variant)
            assert low.flat[d.winner] > np.delete(high, d.winner).max()


def test_data_from_files_and_by_name(pair: Any, rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows[:3])
    np.savez(tmp_path / "x.npz", a=rows[:3], b=rows[3:5])
    expected = verdicts(gg.decision_margin(*pair, rows[:3]))
    assert verdicts(gg.decision_margin(*pair, tmp_path / "x.npy")) == expected
    assert verdicts(gg.decision_margin(*pair, tmp_path / "x.npz", key="a")) == expected
    assert verdicts(gg.decision_margin(*pair, {"image": rows[:3]})) == expected
    seen: list[tuple[int, int]] = []
    gg.decision_margin(*pair, rows[:3], watch=lambda done, all_rows: seen.append((done, all_rows)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def verdicts(found: DecisionResult) -> list[Stability]:
    return [d.verdict for d in found.rows]


def test_what_is_refused(pair: Any, rows: np.ndarray) -> None:
    for data in (
        rows[0],
        rows[:0],
        np.full_like(rows, np.nan),
        np.zeros((3, 7)),
        {"other": rows},
        "x",
        rows > 0,
    ):
        with pytest.raises((BoxError, FileNotFoundError)):
            gg.decision_margin(*pair, data)
    with pytest.raises(BoxError, match="radius"):
        gg.decision_margin(*pair, rows, radius=-1.0)
    with pytest.raises(BoxError, match="row 0"):
        gg.decision_margin(*pair, rows, clip=(5, 6))
    with pytest.raises(ValueError, match="points"):
        gg.decision_margin(*pair, rows, points=-1)
    with pytest.raises(ShapeError, match="two or more scores"):
        gg.decision_margin(None, dense("one", [[1.0, 2.0]], [0.0]), np.zeros((1, 2)), semantics="real")
