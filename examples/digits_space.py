"""Small convolutional networks for handwritten digits on a board with 64 KiB of flash and 8 KiB of RAM.

Run it with ``python examples/digits_space.py`` after ``pip install '.[hpo,plot]' scikit-learn onnxruntime``; it takes a
few minutes on two cores. Optuna searches the space below for the best accuracy at the least RAM. The architecture is
written once, as a function of its hyper-parameters: from it the gate knows every configuration's cost, so that nothing
is trained that can't fit. What is trained (with numpy) is quantised to int8 with onnxruntime, and the distance between
the int8 network and its float original is bounded, by proof, for every image near three test images.

The board is that of an STM32G031: Cortex-M0+, as on the measured target `stm32g0b1re`, with less memory. Its program
needs some too, so the network gets 24 KiB of flash and 6 KiB of RAM. Costs are those of TensorFlow Lite Micro; the int8
arithmetic of accuracies and bounds is onnxruntime's (profile `ort`), because that quantised the network.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import numpy.typing as npt
import onnx
import optuna
from gonogo._core import IntegerRunner
from gonogo.hpo.optuna import FeasibleSampler, GatedObjective, Trained
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

Array = npt.NDArray[np.float32]

TARGET = "stm32g0b1re+tflm"
# The error is in logits: none of the ten may move by more, for any image in the boxes.
LIMITS: dict[str, str | float] = {"ram": "6 KiB", "flash_model": "24 KiB", "error": 3.0}
RADIUS = 1 / 512  # half a step of the 8-bit input, in every pixel
SEARCH = 2_000_000  # multiply-accumulates per box that the hunt for a witness may spend
EPOCHS = 15
SEED = 0

# ---- the space, and the networks in it

space = gg.Space(
    width=gg.Int(4, 64, step=4),
    blocks=gg.Int(1, 3),
    kind=gg.Choice("full", "separable", when="blocks >= 2"),
    kernel=gg.Choice(3, 5),
    stride=gg.Choice(1, 2),
    rate=gg.Float(1e-3, 1e-2, log=True),
)


def build(h: Any, net: Any) -> Any:
    x = net.conv2d(net.input(8, 8, 1), h.width, kernel=h.kernel, stride=h.stride, activation="relu")
    for _ in net.repeat(h.blocks - 1):

        def full(x: Any = x) -> Any:
            return net.conv2d(x, h.width, kernel=3, activation="relu")

        def separable(x: Any = x) -> Any:
            x = net.depthwise_conv2d(x, kernel=3, activation="relu")
            return net.conv2d(x, h.width, kernel=1, activation="relu")

        x = net.switch(h.kind, {"full": full, "separable": separable})
    return net.dense(net.max_pool(x, 2), 10)


@dataclass(frozen=True)
class Layer:
    """A convolution with a ReLU, padded with zeros to keep the size (over the stride)."""

    kernel: int
    stride: int
    channels: int
    filters: int
    is_depthwise: bool = False


def layers(config: Mapping[str, Any]) -> list[Layer]:
    """The convolutions that `build` draws for a configuration."""
    width = config["width"]
    found = [Layer(config["kernel"], config["stride"], 1, width)]
    for _ in range(config["blocks"] - 1):
        if config["kind"] == "separable":
            found += [Layer(3, 1, width, width, is_depthwise=True), Layer(1, 1, width, width)]
        else:
            found.append(Layer(3, 1, width, width))
    return found


def data() -> tuple[Array, Any, Array, Any]:
    """Training and test images (pixels in [0, 1]) of shape (n, 8, 8, 1), and labels."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    return images[:1297], labels[:1297], images[1297:], labels[1297:]


def boxes() -> list[gg.Box]:
    """Around the first test image of three digits, as the deployed network reads it (channels first)."""
    _, _, images, labels = data()
    firsts = [images[labels == digit][:1].transpose(0, 3, 1, 2) for digit in (0, 3, 8)]
    return [gg.Box.around(image, RADIUS, clip=(0, 1)) for image in firsts]


# ---- training, with numpy


class Net:
    """Convolutions, a maximum pool and a dense layer, trained by Adam on the cross entropy."""

    def __init__(self, convolutions: list[Layer], rng: np.random.Generator) -> None:
        self.layers = convolutions
        self.parameters: list[Array] = []
        for layer in convolutions:
            inputs = layer.kernel**2 * (1 if layer.is_depthwise else layer.channels)
            filters = (layer.channels,) if layer.is_depthwise else (layer.channels, layer.filters)
            self._add((layer.kernel, layer.kernel, *filters), inputs, rng)
        side = -(-8 // convolutions[0].stride) // 2
        self._add((side * side * convolutions[-1].filters, 10), side * side * convolutions[-1].filters, rng)

    def _add(self, shape: tuple[int, ...], inputs: int, rng: np.random.Generator) -> None:
        self.parameters.append((rng.normal(size=shape) * np.sqrt(2 / inputs)).astype(np.float32))
        self.parameters.append(np.zeros(shape[-1], np.float32))

    def gradients(self, x: Array, labels: Any) -> list[Array]:
        """Of the mean cross entropy, one per parameter."""
        kept = []
        for layer, w, b in zip(self.layers, self.parameters[::2], self.parameters[1::2], strict=False):
            y = np.maximum(convolved(x, w, layer) + b, 0)
            kept.append((x, y))
            x = y
        pooled, winners = pool(x)
        flat = pooled.reshape(len(x), -1)
        logits = flat @ self.parameters[-2] + self.parameters[-1]
        slope = np.exp(logits - logits.max(1, keepdims=True))
        slope /= slope.sum(1, keepdims=True)
        slope[np.arange(len(x)), labels] -= 1
        slope /= len(x)
        found = [slope.sum(0), flat.T @ slope]
        slope = unpool((slope @ self.parameters[-2].T).reshape(pooled.shape), winners)
        for layer, w, (x, y) in zip(
            reversed(self.layers), self.parameters[-4::-2], reversed(kept), strict=True
        ):
            slope = slope * (y > 0)
            found += [slope.sum((0, 1, 2)), weight_slope(x, slope, layer)]
            slope = input_slope(slope, w, layer)
        return found[::-1]

    def fit(self, images: Array, labels: Any, rate: float, rng: np.random.Generator) -> None:
        first = [np.zeros_like(p) for p in self.parameters]
        second = [np.zeros_like(p) for p in self.parameters]
        steps = itertools.count(1)
        for epoch in range(EPOCHS):
            now = rate * (1 - epoch / EPOCHS)
            for batch in np.array_split(rng.permutation(len(images)), len(images) // 50):
                t = next(steps)
                found = self.gradients(images[batch], labels[batch])
                for i, g in enumerate(found):
                    first[i] += 0.1 * (g - first[i])
                    second[i] += 0.001 * (g * g - second[i])
                    step = first[i] / (1 - 0.9**t) / (np.sqrt(second[i] / (1 - 0.999**t)) + 1e-8)
                    self.parameters[i] -= now * step


def edges(layer: Layer, size: int) -> tuple[int, int]:
    """Zeros before and after, so that the output has size / stride elements: TensorFlow's padding 'same'."""
    total = max((-(-size // layer.stride) - 1) * layer.stride + layer.kernel - size, 0)
    return total // 2, total - total // 2


def taps(x: Array, layer: Layer) -> Iterator[tuple[int, int, Array]]:
    """For each place (i, j) in the kernel: what it reads of every output's window, of shape (outputs, channels)."""
    pad = edges(layer, x.shape[1])
    padded = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    last = x.shape[1] - (x.shape[1] - 1) % layer.stride
    for i, j in np.ndindex(layer.kernel, layer.kernel):
        part = padded[:, i : i + last : layer.stride, j : j + last : layer.stride]
        yield i, j, part.reshape(-1, layer.channels)


def convolved(x: Array, w: Array, layer: Layer) -> Array:
    total: Any = 0.0
    for i, j, part in taps(x, layer):
        total += part * w[i, j] if layer.is_depthwise else part @ w[i, j]
    side = -(-x.shape[1] // layer.stride)
    return total.reshape(len(x), side, side, layer.filters)


def weight_slope(x: Array, slope: Array, layer: Layer) -> Array:
    flat = slope.reshape(-1, layer.filters)
    of_tap = [
        np.einsum("nc,nc->c", part, flat) if layer.is_depthwise else part.T @ flat
        for _, _, part in taps(x, layer)
    ]
    return np.stack(of_tap).reshape(layer.kernel, layer.kernel, *of_tap[0].shape)


def input_slope(slope: Array, w: Array, layer: Layer) -> Array:
    """Of the layer's input, which has stride times the output's size."""
    size = slope.shape[1] * layer.stride
    before, after = edges(layer, size)
    found = np.zeros((len(slope), size + before + after, size + before + after, layer.channels), np.float32)
    last = layer.stride * (slope.shape[1] - 1) + 1
    for i, j in np.ndindex(layer.kernel, layer.kernel):
        part = slope * w[i, j] if layer.is_depthwise else slope @ w[i, j].T
        found[:, i : i + last : layer.stride, j : j + last : layer.stride] += part
    return found[:, before : before + size, before : before + size]


def pool(x: Array) -> tuple[Array, Any]:
    """The largest of each 2 x 2, and where it stood."""
    n, h, w, c = x.shape
    parts = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
    winners = parts.argmax(-1)
    return parts.max(-1), winners


def unpool(slope: Array, winners: Any) -> Array:
    n, h, w, c = slope.shape
    parts = slope[..., None] * (np.arange(4) == winners[..., None])
    return parts.reshape(n, h, w, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * h, 2 * w, c)


# ---- the model files


def float_model(net: Net) -> onnx.ModelProto:
    """An ONNX file of the net; ONNX has channels first."""
    constants: dict[str, Array] = {}
    nodes = []
    current, size = "x", 8
    for i, layer in enumerate(net.layers):
        w, b = net.parameters[2 * i], net.parameters[2 * i + 1]
        order = (2, 0, 1) if layer.is_depthwise else (3, 2, 0, 1)
        constants[f"w{i}"] = w.transpose(order)[:, None] if layer.is_depthwise else w.transpose(order)
        constants[f"b{i}"] = b
        before, after = edges(layer, size)
        nodes.append(
            helper.make_node(
                "Conv",
                [current, f"w{i}", f"b{i}"],
                [f"sum{i}"],
                name=f"conv{i}",
                kernel_shape=[layer.kernel] * 2,
                strides=[layer.stride] * 2,
                pads=[before, before, after, after],
                group=layer.channels if layer.is_depthwise else 1,
            )
        )
        nodes.append(helper.make_node("Relu", [f"sum{i}"], [f"y{i}"], name=f"relu{i}"))
        current, size = f"y{i}", -(-size // layer.stride)
    filters, side = net.layers[-1].filters, size // 2
    dense = net.parameters[-2].reshape(side, side, filters, 10).transpose(2, 0, 1, 3).reshape(-1, 10)
    constants["w"], constants["b"] = dense, net.parameters[-1]
    nodes += [
        helper.make_node("MaxPool", [current], ["pooled"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"], name="dense"),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Calibration:
    """Images for the quantiser to choose its scales by."""

    def __init__(self, images: Array) -> None:
        self._rows: Iterator[dict[str, Array]] = iter([{"x": row[None]} for row in channels_first(images)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._rows, None)


def channels_first(images: Array) -> Array:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def quantise(model: onnx.ModelProto, folder: Path) -> tuple[Path, Path]:
    """Writes the float model and its int8 form."""
    source, target = folder / "float.onnx", folder / "int8.onnx"
    onnx.save(model, source)
    quantize_static(
        source,
        target,
        Calibration(data()[0][:200]),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    return source, target


def accuracy(deployed: gg._core.Graph, images: Array, labels: Any) -> float:
    """Share of images that the int8 network reads right, computed as onnxruntime's integer kernels do."""
    run = IntegerRunner(deployed, "ort")
    found = [int(np.argmax(run([row[None]])[0])) for row in channels_first(images)]
    return float(np.mean(np.array(found) == labels))


# ---- the study


def make_gate() -> gg.Gate:
    # RAM is an estimate within 128 bytes: its interval may reject. Of the model its constants reject, which are exact.
    return gg.Gate(space, build, target=TARGET, limits=LIMITS, reject_on_estimates=("ram",))


def train(trial: optuna.Trial, checked: Any) -> Trained:
    images, labels, test_images, test_labels = data()
    rng = np.random.default_rng(SEED)
    net = Net(layers(checked.params), rng)
    with threadpool_limits(1):  # the matrices are small: more threads only wait for each other
        net.fit(images, labels, checked.params["rate"], rng)
    with tempfile.TemporaryDirectory() as folder:
        source, target = quantise(float_model(net), Path(folder))
        deployed, reference = gg.load(target), gg.load(source)
    counted = int(checked.numbers["macs"])
    if gg.cost(deployed, TARGET).core.macs != counted:
        raise AssertionError("build and float_model draw different networks")
    ram = next(o for o in checked.outcomes if o.name == "ram" and o.origin == "given")
    values = (accuracy(deployed, test_images, test_labels), ram.high)
    return Trained(values, deployed=deployed, reference=reference)


def search(trials: int, gate: gg.Gate) -> optuna.Study:
    objective = GatedObjective(gate, space, train, box=boxes(), profile="ort", search=SEARCH, seed=SEED)
    sampler = FeasibleSampler(gate, optuna.samplers.TPESampler(seed=SEED))
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=trials, callbacks=[tell], gc_after_trial=False)
    return study


def shown(params: Mapping[str, Any]) -> str:
    kind = params["kind"] if params["blocks"] > 1 else ""
    return (
        f"{params['blocks']} x {params['width']:2d} {kind:9s} "
        f"kernel {params['kernel']} stride {params['stride']}"
    )


def tell(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """One line per trial."""
    if trial.values is None:
        outcome = "rejected untrained: " + trial.user_attrs.get("gonogo:rejected", str(trial.state))
    else:
        bound = trial.user_attrs["gonogo:error_bound"]
        outcome = f"accuracy {trial.values[0]:.3f}, {int(trial.values[1]):5d} B RAM, error at most {gg.units.up(bound)}"
        if trial.user_attrs["gonogo:margin:error"] > 0:
            outcome += " (too far)"
    print(f"{trial.number:3d}  {shown(trial.params)}  {outcome}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--picture", metavar="FILE", help="Draw accuracy against RAM (.png or .svg).")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser's advice on every model
    gate = make_gate()
    print(gate.tighten(seconds=2.0), "\n", flush=True)
    start = time.perf_counter()
    study = search(arguments.trials, gate)
    states = [t.state.name for t in study.trials]
    print(
        f"\n{arguments.trials} configurations in {time.perf_counter() - start:.0f} s: {states.count('PRUNED')} "
        f"rejected, {states.count('COMPLETE')} trained and bounded. On the Pareto front, within every limit:"
    )
    for trial in sorted(study.best_trials, key=lambda t: t.values[1]):
        tell(study, trial)
    if arguments.picture:
        gg.report.pareto(study, cost="ram", name="accuracy on 500 test images").savefig(
            arguments.picture, dpi=110
        )


if __name__ == "__main__":
    main()
