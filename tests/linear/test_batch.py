"""Bounds over many boxes in one call: each as if it were alone, sound, and no looser than plain CROWN."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import BoxError
from support.containment import outside, points
from support.real_nets import random_net

Array = np.ndarray
Layers = list[tuple[Array, Array]]


def relu_net(seed: int, sizes: list[int]) -> tuple[Layers, Any]:
    """Weights and biases, and the graph; input shape [1, sizes[0]]."""
    r = np.random.default_rng(seed)
    layers: Layers = []
    b = _core.GraphBuilder("relu_net", "test")
    x = b.input("x", [1, sizes[0]], "float32")
    for n, (k, m) in enumerate(pairwise(sizes)):
        w = (r.normal(size=(m, k)) * (2 / k) ** 0.5).astype(np.float32)
        c = (r.normal(size=m) * 0.1).astype(np.float32)
        layers.append((w, c))
        y = b.activation(f"y{n}", None, "float32")
        activation = "none" if n + 2 == len(sizes) else "relu"
        operands = [x, b.constant(f"w{n}", w), b.constant(f"b{n}", c)]
        b.node("dense", f"dense{n}", operands, [y], {"keep_dims": 0, "activation": activation})
        x = y
    b.output(x)
    return layers, b.build()


def crown(layers: Layers, lo: Array, hi: Array) -> tuple[Array, Array]:
    """Plain CROWN without regard to rounding: slopes below 0 or 1, the smaller area; every layer by substitution."""
    ranges: list[tuple[Array, Array]] = []
    for depth in range(len(layers)):
        ends = []
        for sign in (1.0, -1.0):
            a = sign * np.eye(len(layers[depth][1]))
            constant = np.zeros(len(a))
            for n in range(depth, -1, -1):
                w, c = layers[n]
                constant += a @ c
                a = a @ w.astype(np.float64)
                if n == 0:
                    break
                low, high = ranges[n - 1]
                unstable = (low < 0) & (high > 0)
                above = np.where(unstable, high / np.where(unstable, high - low, 1.0), low >= 0)
                below = np.where(unstable, high > -low, low >= 0).astype(np.float64)
                constant += np.minimum(a, 0.0) @ np.where(unstable, -above * low, 0.0)
                a = np.where(a >= 0, a * below, a * above)
            ends.append(sign * (constant + np.maximum(a, 0) @ lo + np.minimum(a, 0) @ hi))
        ranges.append((ends[0], ends[1]))
    return ranges[-1]


def random_boxes(seed: int, count: int, shape: tuple[int, ...], radius: float) -> tuple[Array, Array]:
    r = np.random.default_rng(seed)
    centre = r.uniform(-1, 1, (count, *shape))
    width = r.uniform(0, radius, (count, *shape))
    return centre - width, centre + width


def same(batch: Any, singles: list[Any]) -> None:
    """Equal bit for bit, tensor by tensor."""
    for k, single in enumerate(singles):
        for whole, one in zip(batch.tensors, single.tensors, strict=True):
            assert whole.name == one.name
            assert whole.lower[k].tobytes() == one.lower.tobytes()
            assert whole.upper[k].tobytes() == one.upper.tobytes()


@pytest.mark.parametrize("method", ["interval", "linear"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_is_its_boxes_one_by_one(method: str, threads: int) -> None:
    before = gg.thread_count()
    gg.set_thread_count(threads)
    try:
        for seed in range(12):
            net = random_net(seed, smooth=seed % 2 == 1)
            graph = net.graph(0)
            lo, hi = random_boxes(seed, 9, net.shapes[0], 0.5)
            batch = gg.bound(graph, gg.Box(lo, hi), method=method)
            singles = [gg.bound(graph, gg.Box(a, b), method=method) for a, b in zip(lo, hi, strict=True)]
            assert batch.lower.shape == (9, *singles[0].lower.shape)
            same(batch, singles)
    finally:
        gg.set_thread_count(before)


def test_a_list_of_boxes_is_a_batch() -> None:
    _, graph = relu_net(3, [4, 9, 7, 2])
    lo, hi = random_boxes(1, 5, (4,), 0.3)
    boxes = [gg.Box(a, b) for a, b in zip(lo, hi, strict=True)]
    batch = gg.bound(graph, boxes)
    assert batch.lower.shape == (5, 1, 2)
    same(batch, [gg.bound(graph, b) for b in boxes])
    same(gg.bound(graph, gg.Box(lo, hi)), [gg.bound(graph, b) for b in boxes])
    assert gg.bound(graph, boxes[:1]).lower.shape == (1, 1, 2)


def test_other_arithmetic_is_batched_too() -> None:
    _, graph = relu_net(4, [3, 6, 2])
    lo, hi = random_boxes(2, 4, (3,), 0.2)
    boxes = [gg.Box(a, b) for a, b in zip(lo, hi, strict=True)]
    same(
        gg.bound(graph, boxes, semantics="fixed:16.8"),
        [gg.bound(graph, b, semantics="fixed:16.8") for b in boxes],
    )


@pytest.mark.soundness
def test_every_box_holds_its_samples_and_corners() -> None:
    for seed in range(10):
        net = random_net(seed, smooth=False)
        lo, hi = random_boxes(seed, 4, net.shapes[0], 0.5)
        found = gg.bound(net.graph(0), gg.Box(lo, hi))
        r = np.random.default_rng(seed)
        for k in range(4):
            corner = np.where(r.random(lo[k].shape) < 0.5, lo[k], hi[k])
            for x in [*points(r, lo[k], hi[k], 2), lo[k], hi[k], corner]:
                assert outside(net, found.lower[k], net.value(0, x), found.upper[k]) == []


@pytest.mark.parametrize("radius", [0.01, 0.1, 0.5])
def test_no_looser_than_crown(radius: float) -> None:
    for seed, sizes in enumerate([[5, 50, 50, 50, 50, 5], [5, *[50] * 6, 5], [40, 64, 64, 10], [3, 8, 2]]):
        layers, graph = relu_net(seed, sizes)
        lo, hi = random_boxes(seed, 6, (sizes[0],), radius)
        found = gg.bound(graph, gg.Box(lo, hi))
        for k in range(6):
            low, high = crown(layers, lo[k], hi[k])
            slack = 1e-9 * (np.abs(low) + np.abs(high) + 1.0)
            assert np.all(found.lower[k, 0] >= low - slack)
            assert np.all(found.upper[k, 0] <= high + slack)


def test_watch_sees_every_box_and_may_stop() -> None:
    _, graph = relu_net(3, [4, 9, 2])
    lo, hi = random_boxes(1, 50, (4,), 0.3)
    seen: list[tuple[int, int]] = []
    gg.bound(graph, gg.Box(lo, hi), watch=lambda done, count: seen.append((done, count)))
    assert seen[-1] == (50, 50)
    assert [d for d, _ in seen] == sorted({d for d, _ in seen})

    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gg.bound(graph, gg.Box(lo, hi), watch=stop)


def test_bad_boxes_are_named() -> None:
    _, graph = relu_net(3, [4, 9, 2])
    with pytest.raises(BoxError, match="empty list"):
        gg.bound(graph, [])
    with pytest.raises(BoxError, match=r"box 1: .*shape \[3\].*\[1, 4\]"):
        gg.bound(graph, [gg.Box(np.zeros(4), np.ones(4)), gg.Box(np.zeros(3), np.ones(3))])
    with pytest.raises(BoxError, match="box 1: float given"):
        gg.bound(graph, [gg.Box(np.zeros(4), np.ones(4)), 1.0])  # type: ignore[list-item]
    lo = np.zeros((3, 4))
    lo[2, 1] = 2.0
    with pytest.raises(BoxError, match=r"above hi.*\[2, 1\]"):
        gg.bound(graph, gg.Box(lo, np.ones((3, 4))))
    with pytest.raises(BoxError, match="leading axis has length 0"):
        gg.bound(graph, gg.Box(np.zeros((0, 4)), np.ones((0, 4))))
    with pytest.raises(BoxError, match=r"shape \[3, 5\]"):
        gg.bound(graph, gg.Box(np.zeros((3, 5)), np.ones((3, 5))))
    program = _core.BoundProgram(graph, "real")
    bad = np.zeros((3, 1, 4))
    bad[1] = np.nan
    with pytest.raises(BoxError, match="box 8: "):
        program.run([bad], [bad], 7)
