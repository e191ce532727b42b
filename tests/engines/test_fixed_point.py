"""Fixed point: integers against independent implementations, bounds against what the integers do. No tolerance."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import BoxError, OverflowRiskError, QuantizationError, UnsupportedOperatorError
from support.aster import Controller, Layer, load_controller, make_fixed
from support.dense import points_in, rationals
from support.fixed import fixed_net_semantics, qebverif_semantics
from support.fixed_oracle import FixedOracle, random_fixed
from support.qebverif import BITS, NETS, exact_difference, load_dnn, load_images, quantise, reference_graph


def run(graph: Any, semantics: gg.FixedPoint, x: np.ndarray) -> np.ndarray:
    """The device's outputs at points [points, ...], float64 and exact."""
    device = _core.DeviceRunner(graph, semantics.plain())
    rows = []
    for point in x:
        ((lo, hi),) = device([np.ascontiguousarray(point[None], np.float64)])
        assert np.array_equal(lo, hi)
        rows.append(lo[0])
    return np.array(rows)


@pytest.mark.corpus
@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("net", NETS)
def test_the_published_format(corpus: Path, net: str, bits: int) -> None:
    dnn, image = load_dnn(corpus, net), load_images(corpus)[bits]
    qnn, graph = quantise(dnn, bits), reference_graph(dnn)
    x = np.rint(points_in(np.random.default_rng(bits), *image.box(40), 60)).astype(np.int64)
    found = run(graph, qebverif_semantics(graph, bits), x.astype(np.float64))
    assert np.array_equal(found, qnn(x) / 2.0**qnn.shift)


def held(controller: Controller) -> Controller:
    """The controller whose weights are the float32 numbers of its graph."""
    layers = tuple(Layer(rationals(x.weights), rationals(x.bias), x.relu) for x in controller.rounded(1))
    return Controller(controller.name, layers, controller.lower, controller.upper, controller.target)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["SmallNN", "AC6", "MpcNN", "UnicycleNN"])
@pytest.mark.parametrize("rounding", ["half_up", "half_away", "floor"])
def test_controllers(corpus: Path, name: str, rounding: str) -> None:
    controller = held(load_controller(corpus, name))
    graph = controller.graph()
    x = points_in(np.random.default_rng(5), controller.lower.floats(), controller.upper.floats(), 60)
    for bits in (5, 9, 16, 24, 37):
        net = make_fixed(controller, bits, rounding=rounding)
        semantics = fixed_net_semantics(net, [n.name for n in graph.nodes])
        expected = net.values(net(net.read(rationals(x)))).floats()
        assert np.array_equal(run(graph, semantics, x), expected)


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_by_definition(seed: int) -> None:
    """Every operator, in fractions, value by value."""
    net: FixedOracle = random_fixed(seed)
    x = net.points(4)
    device = _core.DeviceRunner(net.graph, net.semantics.plain())
    for point in x:
        ((lo, hi),) = device([point])
        assert np.array_equal(lo, hi)
        assert [Fraction(float(v)) for v in lo.ravel()] == net.device(point)


@pytest.mark.soundness
def test_bounds_contain_what_the_integers_do() -> None:
    failures = []
    for seed in range(150):
        net = random_fixed(seed)
        lo, hi = net.box()
        try:
            error = _core.error(
                None, net.graph, [lo], [hi], net.semantics.plain(), None, 1, seed, False
            ).tensors[0]
            bound = _core.bound(net.graph, [lo], [hi], net.semantics.plain())[0]
        except RuntimeError as defect:  # the engine's own check of witness against bound
            failures.append(f"seed {seed}: {defect}")
            continue
        assert error.method == "joint", net.kinds
        for point in net.points(12):
            reached = list(zip(net.device(point), net.reference(point), strict=True))
            for e, (v, r) in enumerate(reached):
                ends = [
                    Fraction(float(a.ravel()[e]))
                    for a in (error.lower, error.upper, bound.lower, bound.upper)
                ]
                if not (ends[0] <= v - r <= ends[1] and ends[2] <= v <= ends[3]):
                    failures.append(f"seed {seed} {net.kinds}: {float(v - r)}, {[float(x) for x in ends]}")
                    break
    assert failures == []


@pytest.mark.corpus
def test_published_networks_stay_within_the_bound(corpus: Path) -> None:
    dnn, image = load_dnn(corpus, "P1"), load_images(corpus)[2]
    graph = reference_graph(dnn)
    lo, hi = (v.astype(np.float64)[None] for v in image.box())
    for bits in (4, 8):
        qnn = quantise(dnn, bits)
        error = _core.error(
            None, graph, [lo], [hi], qebverif_semantics(graph, bits).plain(), None, 10**7, 1, False
        )
        found = error.tensors[0]
        assert found.method == "joint"
        worst = error.tensors[0].witness_inputs[0]
        assert np.array_equal(worst, np.rint(worst))
        for x in [worst, *points_in(np.random.default_rng(1), lo[0], hi[0], 6)]:
            value = exact_difference(qnn, dnn, np.rint(x).astype(np.int64), image.label)
            assert Fraction(found.lower[0, image.label]) <= value <= Fraction(found.upper[0, image.label])


def chain(op: str, inputs: list[int] | None = None, **attributes: Any) -> Any:
    b = _core.GraphBuilder("model", "test")
    b.input("x", inputs or [1, 2], "float32")
    constants = []
    if op == "dense":
        constants = [b.constant("w", np.array([[1.5, -0.75]], np.float32))]
    y = b.activation("y", None, "float32")
    b.node(op, "n", [0, *constants], [y], attributes)
    b.output(y)
    return b.build()


BOX = (np.full((1, 2), -1.0), np.full((1, 2), 1.0))


@pytest.mark.parametrize("op", ["tanh", "sigmoid", "softmax", "leaky_relu"])
def test_what_words_dont_settle_is_refused_by_name(op: str) -> None:
    more = {"alpha": 0.1} if op == "leaky_relu" else {}
    with pytest.raises(UnsupportedOperatorError, match=rf"node 0 'n' \({op}\).*fixed-point"):
        gg.error(None, chain(op, **more), BOX, semantics="fixed:8.4")


def test_wrap_needs_a_proof() -> None:
    graph = chain("dense")
    kept = gg.error(None, graph, BOX, semantics=gg.FixedPoint.uniform(8, 4, overflow="wrap"))
    assert 0 < kept.worst < 0.2
    with pytest.raises(OverflowRiskError, match="wrap around"):
        gg.error(None, graph, BOX, semantics=gg.FixedPoint(gg.Word(8, 6), gg.Word(6, 4), overflow="wrap"))
    with pytest.raises(OverflowRiskError, match="input word"):
        gg.error(None, graph, BOX, semantics=gg.FixedPoint.uniform(8, 7, overflow="wrap"))
    saturated = gg.error(None, graph, BOX, semantics=gg.FixedPoint(gg.Word(8, 6), gg.Word(6, 4)))
    assert saturated.worst >= saturated.witness.value >= 0.25  # 2.25 in a word that ends below 2


def test_sums_that_dont_fit_are_refused() -> None:
    wide = gg.Word(48, 40)
    exact = gg.FixedPoint(wide, wide, layers={"n": gg.FixedLayer(exact_output=True)})
    with pytest.raises(OverflowRiskError, match="63 bits"):
        gg.bound(chain("dense"), BOX, semantics=exact)
    far = gg.FixedPoint(wide, wide, layers={"n": gg.FixedLayer(output=gg.Word(53, 128))})
    with pytest.raises(OverflowRiskError, match="121 bits"):
        gg.bound(chain("dense"), BOX, semantics=far)


def small_controller(seed: int) -> Controller:
    r = np.random.default_rng(seed)
    sizes = (3, 7, 5, 2)
    layers = []
    for i, (n, m) in enumerate(pairwise(sizes)):
        w, b = (r.normal(size=s).astype(np.float32) for s in ((m, n), m))
        layers.append(Layer(rationals(w), rationals(b), i < 2))
    ends = (rationals(np.full(3, -1.0)), rationals(np.full(3, 1.5)))
    return Controller("small", tuple(layers), *ends, rationals([1e-3]))


@pytest.mark.parametrize("rounding", ["half_up", "half_away", "floor"])
@pytest.mark.parametrize("seed", range(4))
def test_sums_of_128_bits(seed: int, rounding: str) -> None:
    """Words so long that sums don't fit into 64 bits, against Python's integers; and the bound over a box."""
    controller = small_controller(seed)
    graph = controller.graph()
    names = [n.name for n in graph.nodes]
    x = points_in(np.random.default_rng(seed), controller.lower.floats(), controller.upper.floats(), 40)
    for bits in (30, 33, 40, 50):
        net = make_fixed(controller, bits, rounding=rounding)
        semantics = fixed_net_semantics(net, names)
        device = net.values(net(net.read(rationals(x))))
        assert np.array_equal(run(graph, semantics, x), device.floats())
        lo, hi = (v.floats()[None] for v in (controller.lower, controller.upper))
        error = _core.error(None, graph, [lo], [hi], semantics.plain(), None, 1, 1, False).tensors[0]
        reals = controller.exact(rationals(x))
        for d, r in zip(device.numbers, reals.numbers, strict=True):
            for e in range(2):
                apart = Fraction(d[e], device.denominator) - Fraction(r[e], reals.denominator)
                assert Fraction(error.lower[0, e]) <= apart <= Fraction(error.upper[0, e])
        assert error.bound.max() < 2.0 ** (18 - bits)


def test_wrong_words_say_what_to_write() -> None:
    word = gg.Word(8, 4)
    for wrong, text in (
        (lambda: gg.Word(60, 1), "give 2 to 53"),
        (lambda: gg.FixedPoint(8, word), "gonogo.Word"),
        (lambda: gg.FixedPoint(word, word, rounding="nearest"), "half_up, half_away, half_even, floor"),
        (lambda: gg.FixedPoint(word, word, layers={"n": word}), "gonogo.FixedLayer"),
        (lambda: gg.error(None, chain("dense"), BOX, semantics="fixed"), "fixed:BITS.FRACTION_BITS"),
        (lambda: gg.error(None, chain("dense"), BOX, semantics=8), "FixedPoint"),
    ):
        with pytest.raises((ValueError, TypeError), match=text.replace(".", r"\.")):
            wrong()
    with pytest.raises(QuantizationError, match="no node 'm'"):
        gg.bound(chain("dense"), BOX, semantics=gg.FixedPoint(word, word, layers={"m": gg.FixedLayer()}))
    semantics = gg.FixedPoint(word, word, input=gg.Word(8, 0), input_exact=True)
    with pytest.raises(BoxError, match="holds no number"):
        gg.bound(chain("dense"), (np.full((1, 2), 0.25), np.full((1, 2), 0.5)), semantics=semantics)
