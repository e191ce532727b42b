"""The demo's net in numpy: forward, backward, training. Layouts are those of the TensorFlow Lite kernels."""

from __future__ import annotations

import numpy as np

Parameters = dict[str, np.ndarray]
DECAY = 0.3  # small weights keep worst-case bounds small
EPOCHS = 60
BATCH = 32


def initial(rng: np.random.Generator) -> Parameters:
    def weights(*shape: int, inputs: int) -> np.ndarray:
        return rng.normal(0, np.sqrt(2.0 / inputs), shape)

    return {
        "conv_w": weights(8, 3, 3, 1, inputs=9),
        "conv_b": np.zeros(8),
        "depthwise_w": weights(1, 3, 3, 8, inputs=9),
        "depthwise_b": np.zeros(8),
        "pointwise_w": weights(16, 1, 1, 8, inputs=8),
        "pointwise_b": np.zeros(16),
        "dense_w": weights(10, 64, inputs=64),
        "dense_b": np.zeros(10),
    }


def _taps() -> list[tuple[int, int]]:
    return [(i, j) for i in range(3) for j in range(3)]


def forward(p: Parameters, x: np.ndarray) -> dict[str, np.ndarray]:
    n = len(x)
    # SAME padding for stride 1: one on every side.
    a = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    conv = p["conv_b"] + sum(a[:, i : i + 8, j : j + 8] @ p["conv_w"][:, i, j].T for i, j in _taps())
    conv = np.maximum(conv, 0)
    # SAME padding for stride 2 on 8 rows: one at the bottom and one on the right.
    b = np.pad(conv, ((0, 0), (0, 1), (0, 1), (0, 0)))
    depthwise = p["depthwise_b"] + sum(
        b[:, i : i + 8 : 2, j : j + 8 : 2] * p["depthwise_w"][0, i, j] for i, j in _taps()
    )
    depthwise = np.maximum(depthwise, 0)
    pointwise = np.maximum(depthwise @ p["pointwise_w"][:, 0, 0].T + p["pointwise_b"], 0)
    pool = pointwise.reshape(n, 2, 2, 2, 2, 16).mean(axis=(2, 4))
    logits = pool.reshape(n, 64) @ p["dense_w"].T + p["dense_b"]
    return {
        "image": x,
        "conv": conv,
        "depthwise": depthwise,
        "pointwise": pointwise,
        "pool": pool,
        "logits": logits,
        "padded": a,
        "padded_conv": b,
    }


def gradient(p: Parameters, x: np.ndarray, labels: np.ndarray) -> Parameters:
    v = forward(p, x)
    n = len(x)
    e = np.exp(v["logits"] - v["logits"].max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(n), labels] -= 1.0
    d /= n
    g: Parameters = {"dense_w": d.T @ v["pool"].reshape(n, 64), "dense_b": d.sum(axis=0)}
    d = (d @ p["dense_w"]).reshape(n, 2, 1, 2, 1, 16) / 4.0
    d = np.broadcast_to(d, (n, 2, 2, 2, 2, 16)).reshape(n, 4, 4, 16) * (v["pointwise"] > 0)
    g["pointwise_w"] = np.einsum("nhwo,nhwi->oi", d, v["depthwise"]).reshape(16, 1, 1, 8)
    g["pointwise_b"] = d.sum(axis=(0, 1, 2))
    d = (d @ p["pointwise_w"][:, 0, 0]) * (v["depthwise"] > 0)
    g["depthwise_w"], g["depthwise_b"] = np.zeros((1, 3, 3, 8)), d.sum(axis=(0, 1, 2))
    back = np.zeros_like(v["padded_conv"])
    for i, j in _taps():
        g["depthwise_w"][0, i, j] = (d * v["padded_conv"][:, i : i + 8 : 2, j : j + 8 : 2]).sum(
            axis=(0, 1, 2)
        )
        back[:, i : i + 8 : 2, j : j + 8 : 2] += d * p["depthwise_w"][0, i, j]
    d = back[:, :8, :8] * (v["conv"] > 0)
    g["conv_w"], g["conv_b"] = np.zeros((8, 3, 3, 1)), d.sum(axis=(0, 1, 2))
    for i, j in _taps():
        g["conv_w"][:, i, j] = np.einsum("nhwo,nhwi->oi", d, v["padded"][:, i : i + 8, j : j + 8])
    return g


def train(images: np.ndarray, labels: np.ndarray, seed: int) -> Parameters:
    """Adam with weight decay and a linearly falling step."""
    rng = np.random.default_rng(seed)
    p = initial(rng)
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    steps = EPOCHS * (len(labels) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels))
        for start in range(0, len(labels) - BATCH + 1, BATCH):
            step += 1
            chosen = order[start : start + BATCH]
            for k, g in gradient(p, images[chosen], labels[chosen]).items():
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                mean, square = first[k] / (1 - 0.9**step), second[k] / (1 - 0.999**step)
                rate = 0.01 * (1.0 - (step - 1) / steps)
                p[k] = p[k] - rate * (mean / (np.sqrt(square) + 1e-8) + DECAY * p[k])
    return p


def calibrate(p: Parameters, images: np.ndarray) -> dict[str, tuple[float, float]]:
    """Range of every activation over the images, and of the data itself for the input."""
    values = forward(p, images)
    ranges = {
        k: (float(values[k].min()), float(values[k].max()))
        for k in ("conv", "depthwise", "pointwise", "logits")
    }
    return ranges | {"image": (0.0, 1.0)}


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(np.argmax(scores, axis=1) == labels))
