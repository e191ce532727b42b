"""Wrong answers that other verifiers have given, one test each, where there is a question here to get wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import BoxError
from support.real_nets import F32, RealNet

METHODS = ("interval", "linear", "optimised")


def bound(graph: Any, lo: Any, hi: Any, method: str = "linear") -> Any:
    boxes = [[np.ascontiguousarray(b, np.float64)] for b in (lo, hi)]
    return _core.bound(graph, *boxes, "real", None, method)[0]


def error(net: RealNet, lo: Any, hi: Any, method: str = "linear") -> Any:
    boxes = [[np.ascontiguousarray(b, np.float64)] for b in (lo, hi)]
    return _core.error(net.graph(0), net.graph(1), *boxes, "real", None, 1000, 1, False, method).tensors[0]


def plain(*ops: str) -> RealNet:
    net = RealNet(0)
    x = net.start(1, 2)
    for op in ops:
        x = net.emit(op, x, net.numbers(2, 2), keep_dims=0) if op == "dense" else net.emit(op, x)
    return net


@pytest.mark.parametrize("method", METHODS)
def test_overflow_is_unbounded_and_never_a_nan(method: str) -> None:
    # A NaN margin compares false with everything and has passed for a proof elsewhere.
    net = RealNet(0)
    x = net.start(1, 2)
    for _ in range(12):
        x = net.emit("dense", x, net.numbers(2, 2, scale=1e38), keep_dims=0, activation="relu")
    x = net.emit("sub", x, net.emit("relu", x))
    for found in (
        bound(net.graph(0), [[-1, -1]], [[1, 1]], method),
        error(net, [[-1, -1]], [[1, 1]], method),
    ):
        assert not np.any(np.isnan([found.lower, found.upper]))
        assert np.all(found.lower <= found.upper)
    assert bound(net.graph(0), [[-1, -1]], [[1, 1]], method).unbounded


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_boxes_that_are_none_are_refused_by_name(value: float) -> None:
    net = plain("dense", "relu")
    for lo, hi in (([[value, 0]], [[1, 1]]), ([[0, 0]], [[1, value]])):
        for ask in (lambda a, b: bound(net.graph(0), a, b), lambda a, b: error(net, a, b)):
            with pytest.raises(BoxError, match="'x'"):
                ask(lo, hi)


def test_a_lower_end_above_the_upper_one_is_refused_by_name() -> None:
    net = plain("dense", "relu")
    with pytest.raises(BoxError, match="'x'.*element 1.*above"):
        bound(net.graph(0), [[0, 2]], [[1, 1]])
    with pytest.raises(BoxError, match="'x'.*element 1.*above"):
        error(net, [[0, 2]], [[1, 1]])


@pytest.mark.parametrize("method", METHODS)
def test_fixed_inputs_are_a_box(method: str) -> None:
    net = plain("dense", "relu", "dense", "tanh", "dense")
    x = np.array([[0.1, -0.7]])
    value = np.array([[float(v) for v in net.value(0, x).ravel()]])
    found = bound(net.graph(0), x, x, method)
    assert np.all(found.lower <= value)
    assert np.all(value <= found.upper)
    assert np.all(found.upper - found.lower < 1e-12)
    difference = error(net, x, x, method)
    assert np.all(difference.upper - difference.lower < 1e-12)
    assert difference.witness_inputs[0].ravel().tolist() == x.ravel().tolist()


def test_one_relu_is_bounded_exactly() -> None:
    # y = 2 relu(x - 1) - 1 over [0, 3]: from -1 to 3, in numbers that need no rounding.
    net = RealNet(0, 0.0)
    x = net.start(1, 1)
    one = np.ones((1, 1), F32)
    x = net.emit("dense", x, one, -one.ravel(), keep_dims=0, activation="relu")
    net.emit("dense", x, 2 * one, -one.ravel(), keep_dims=0)
    found = bound(net.graph(0), [[0.0]], [[3.0]])
    assert -1 - 2.0**-44 <= found.lower[0, 0] <= -1
    assert 3 <= found.upper[0, 0] <= 3 + 2.0**-44


def test_two_dense_layers_are_added() -> None:
    # Elementwise, each with its own bias; the bounds keep the shape.
    net = RealNet(1)
    x = net.start(3, 2)
    a = net.emit("dense", x, net.numbers(4, 2), net.numbers(4), keep_dims=0)
    b = net.emit("dense", x, net.numbers(4, 2), net.numbers(4), keep_dims=0)
    net.emit("add", a, b)
    point = np.arange(6.0).reshape(3, 2) / 8
    found = bound(net.graph(0), point, point)
    assert found.lower.shape == (3, 4)
    value = net.value(0, point)
    for index in np.ndindex(3, 4):
        assert found.lower[index] <= value[index] <= found.upper[index]


@pytest.mark.parametrize("method", METHODS)
def test_a_witness_is_reached_and_below_the_bound(method: str) -> None:
    net = plain("dense", "relu", "dense", "sigmoid", "dense")
    found = error(net, [[-1, -1]], [[1, 1]], method)
    x = found.witness_inputs[0].reshape(1, 2)
    assert np.all(np.abs(x) <= 1)
    reached = max(abs(v) for v in (net.value(1, x) - net.value(0, x)).ravel())
    assert 0 < found.worst_witness <= float(reached) * (1 + 1e-12)
    assert found.worst_witness <= found.bound.max()
