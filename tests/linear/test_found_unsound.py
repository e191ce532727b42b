"""Bounds that a review found to be wrong, each in exact rationals: they failed before they were mended."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import _core

F32 = np.float32


def bound(graph: Any, lo: Any, hi: Any, method: str = "linear") -> tuple[np.ndarray, np.ndarray]:
    boxes = [[np.ascontiguousarray(b, np.float64)] for b in (lo, hi)]
    found = _core.bound(graph, *boxes, "real", None, method)[0]
    return found.lower, found.upper


class Net:
    """A builder of float graphs, its input x."""

    def __init__(self, shape: list[int]) -> None:
        self.builder = _core.GraphBuilder("net", "test")
        self.x = self.builder.input("x", shape, "float32")
        self.count = 0

    def layer(self, op: str, inputs: list[Any], **attributes: Any) -> int:
        """Arrays among the inputs are constants."""
        self.count += 1
        b = self.builder
        ids = [
            b.constant(f"c{self.count}_{k}", np.ascontiguousarray(i, F32)) if isinstance(i, np.ndarray) else i
            for k, i in enumerate(inputs)
        ]
        y = b.activation(f"{op}_{self.count}", None, "float32")
        b.node(op, f"{op}_{self.count}", ids, [y], attributes)
        return int(y)

    def build(self, output: int) -> Any:
        self.builder.output(output)
        return self.builder.build()


def shares(kind: str) -> tuple[Any, Fraction]:
    """x plus many values w x, each too small to change the coefficient of x that is there when it is added."""
    n, w = (1000, 2.0**-54) if kind == "broadcast" else (100_000, 2.0**-62)
    net = Net([1, 1])
    if kind == "broadcast":
        many = net.layer("mul", [net.x, np.full((1, n), w)])
    else:  # products are summed up in blocks before they are added to what is there
        many = net.layer("dense", [net.x, np.full((n, 1), w)], keep_dims=0)
    total = net.layer("dense", [many, np.ones((1, n))], keep_dims=0)
    return net.build(net.layer("add", [total, net.x])), 1 + n * Fraction(w)


@pytest.mark.soundness
@pytest.mark.parametrize("kind", ["broadcast", "dense"])
def test_coefficients_that_are_there_meet_every_addition(kind: str) -> None:
    graph, slope = shares(kind)
    lower, upper = bound(graph, [[-1.0]], [[1.0]])
    assert Fraction(float(upper[0, 0])) >= slope
    assert Fraction(float(lower[0, 0])) <= -slope


@pytest.mark.parametrize("kind", ["broadcast", "dense"])
def test_point_boxes_leave_no_contradiction(kind: str) -> None:
    graph, slope = shares(kind)
    for x in (1.0, -1.0):
        lower, upper = bound(graph, [[x]], [[x]])
        assert Fraction(float(lower[0, 0])) <= x * slope <= Fraction(float(upper[0, 0]))


def norms(variance: np.ndarray) -> Any:
    n = len(variance)
    net = Net([1, n])
    zero = np.zeros(n)
    return net.build(net.layer("batch_norm", [net.x, np.ones(n), zero, zero, variance], axis=1, epsilon=0.0))


@pytest.mark.soundness
@pytest.mark.parametrize("method", ["interval", "linear"])
def test_the_uncertainty_of_the_deployed_weights_counts(method: str) -> None:
    # The reference's scale 1 / sqrt(1) is exact, the updated model's is irrational: its weight is known to an ulp only.
    variance = (1 + np.arange(1, 65) * 2.0**-23).astype(F32)
    x = np.ones((1, 64))
    found = _core.error(
        norms(np.ones(64)), norms(variance), [x], [x], "real", attribute=False, method=method
    ).tensors[0]
    assert found.method == "joint"
    missed = []
    for c, v in enumerate(variance):
        # lower <= 1 / sqrt(v) - 1 <= upper, squared: exact.
        v_ = Fraction(float(v))
        low, high = (1 + Fraction(float(b.ravel()[c])) for b in (found.lower, found.upper))
        if not (low**2 * v_ <= 1 <= high**2 * v_):
            missed.append(c)
    assert missed == []


def test_a_witness_lies_in_the_box() -> None:
    # In real arithmetic nobody rounds the inputs to float32: the box stays as it is.
    net, other = Net([1, 1]), Net([1, 1])
    reference = net.build(net.layer("dense", [net.x, np.ones((1, 1))], keep_dims=0))
    deployed = other.build(other.layer("dense", [other.x, np.full((1, 1), 3.0)], keep_dims=0))
    x = np.full((1, 1), 0.1)
    found = _core.error(reference, deployed, [x], [x], "real", search_multiplies=1000).tensors[0]
    assert found.witness_inputs[0].ravel().tolist() == [0.1]
    assert Fraction(found.worst_witness) <= 2 * Fraction(0.1) <= Fraction(float(found.bound.ravel()[0]))


@pytest.mark.parametrize("op", ["add", "sub", "mul", "concat"])
def test_a_constant_may_stand_on_the_left(op: str) -> None:
    # Bounds of two layers that meet again cancel only where linear bounds get through the operator.
    net = Net([1, 2])
    more = {"axis": 1} if op == "concat" else {}
    y = net.layer(op, [np.array([[0.5, 2.0]]), net.x], **more)
    z = net.layer("sub", [y, y])
    graph = net.build(z)
    lower, upper = bound(graph, [[-1.0, -1.0]], [[1.0, 1.0]])
    assert np.all(upper - lower < 1e-9)
