"""Pairs whose two graphs differ in form: norms and activations on one side only, several images at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gonogo import _core
from support.containment import Environment, outside, points
from support.real_nets import F32, RealNet


def net_of(layout: str, shape: tuple[int, ...]) -> RealNet:
    net = RealNet(0, 0.0)
    net.layout = layout
    net.start(*shape)
    return net


def compare(reference: RealNet, deployed: RealNet, seed: int, method: str) -> tuple[Any, list[str]]:
    r = np.random.default_rng(seed)
    middle = r.standard_normal(reference.shapes[0])
    radius = float(r.choice([0.0, 1e-3, 1.0]))
    lo, hi = middle - radius, middle + radius
    with Environment(seed):
        found = _core.error(
            reference.graph(0), deployed.graph(0), [lo], [hi], "real", None, 1, 1, False, method
        ).tensors[0]
    missed = []
    for x in points(r, lo, hi, 3):
        missed += outside(reference, found.lower, deployed.value(0, x) - reference.value(0, x), found.upper)
    return found, missed


@pytest.mark.parametrize("method", ["interval", "linear"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("op", ["conv2d", "depthwise_conv2d"])
def test_a_norm_and_a_clamp_of_the_reference_are_folded(op: str, layout: str, method: str) -> None:
    for seed in range(12):
        r = np.random.default_rng(seed)
        c = 2
        shape = (1, c, 3, 3) if layout == "NCHW" else (1, 3, 3, c)
        reference, deployed = net_of(layout, shape), net_of(layout, shape)
        outputs = 4 if op == "depthwise_conv2d" else 3
        w = r.standard_normal((1, 2, 2, outputs) if op == "depthwise_conv2d" else (outputs, 2, 2, c))
        gamma, beta, mean = (r.standard_normal(outputs).astype(F32) for _ in range(3))
        variance = (r.random(outputs) + 0.5).astype(F32)
        scale = gamma / np.sqrt(variance)
        folded = w * (scale if op == "depthwise_conv2d" else scale.reshape(-1, 1, 1, 1))
        a: dict[str, Any] = {"layout": layout, "strides": [1, 1], "padding": "same"}
        a |= {"groups": 1} if op == "conv2d" else {}
        y = reference.emit(op, 0, w.astype(F32), activation="none", **a)
        axis = 1 if layout == "NCHW" else 3
        y = reference.emit("batch_norm", y, gamma, beta, mean, variance, axis=axis, epsilon=0.0)
        reference.emit("relu6", y)
        bias = (beta - mean * scale).astype(F32)
        deployed.emit(op, 0, folded.astype(F32), bias, activation="relu6", **a)
        found, missed = compare(reference, deployed, seed, method)
        assert found.method == "joint"
        assert missed == []
        assert np.max(found.bound) < 1e-4  # that of unmatched ranges would be about 1


@pytest.mark.parametrize("method", ["interval", "linear"])
@pytest.mark.parametrize("alone", ["relu", "clip"])
def test_a_clamp_on_one_side_only(alone: str, method: str) -> None:
    for seed in range(20):
        r = np.random.default_rng(seed)
        w = r.standard_normal((3, 2)).astype(F32)
        reference, deployed = net_of("NHWC", (1, 2)), net_of("NHWC", (1, 2))
        reference.emit("dense", 0, w, keep_dims=0)
        y = deployed.emit("dense", 0, w, keep_dims=0)
        deployed.emit(alone, y, **({"min": -0.5, "max": 0.75} if alone == "clip" else {}))
        assert compare(reference, deployed, seed, method)[1] == []
        assert compare(deployed, reference, seed, method)[1] == []


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_several_images_at_once(layout: str) -> None:
    for seed in range(8):
        net = RealNet(seed)
        net.layout = layout
        x = net.start(*((2, 2, 3, 3) if layout == "NCHW" else (2, 3, 3, 2)))
        w = [net.numbers(2, k, k, 2, scale=0.3) for k in (1, 2, 3)]
        a: dict[str, Any] = {"layout": layout, "strides": [1, 1], "padding": "same", "groups": 1}
        y = net.emit("conv2d", x, w[0], activation="relu", **a)
        z = net.emit("conv2d", net.emit("conv2d", y, w[1], **a), w[2], activation="relu", **a)
        y = net.emit("sub", net.emit("add", z, y), net.emit("max_pool2d", x, kernel=[2, 2], **pool(a)))
        y = net.emit("reshape", y, shape=[2, 18])
        net.emit("dense", y, net.numbers(3, 18, scale=0.2), keep_dims=0)
        r = np.random.default_rng(seed)
        middle = r.standard_normal(net.shapes[0])
        lo, hi = middle - 0.3, middle + 0.3
        one = _core.bound(net.graph(0), [lo], [hi], "real", None, "linear")[0]
        both = _core.error(
            net.graph(0), net.graph(1), [lo], [hi], "real", None, 1, 1, False, "linear"
        ).tensors[0]
        for p in points(r, lo, hi, 3):
            first, second = net.value(0, p), net.value(1, p)
            assert outside(net, one.lower, first, one.upper) == []
            assert outside(net, both.lower, second - first, both.upper) == []


def pool(a: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in a.items() if k != "groups"}
