"""Accuracy against latency on handwritten digits, under device limits and a proved error bound.

Run it with ``python examples/digits_optuna.py`` after ``pip install '.[hpo]' scikit-learn onnxruntime``; it takes under
a minute on two cores. Nets with one or two hidden layers are trained with scikit-learn, exported to ONNX, quantised to
int8 with onnxruntime, and searched by Optuna for the best accuracy at the least latency on a Cortex-M0+ board.

Before a training, the gate builds the quantised network without weights and rejects what can't fit. After it, the
distance between the int8 network and its float original is bounded, by proof, on ten boxes: every image whose pixels
differ by at most one grey level (1/16 of the input's range) from one of ten test images, one per digit. The limit is
on that bound: any of the ten logits may move by at most 1.5, for every image in the boxes. The int8 arithmetic is
onnxruntime's (profile `ort`), whose file this is; a TensorFlow Lite file would be bounded with profile `tflm`.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import numpy.typing as npt
import onnx
import optuna
from gonogo._core import Graph, GraphBuilder, IntegerRunner, Quantization
from gonogo.hpo import Checked, ModelGate
from gonogo.hpo.optuna import GatedObjective, Trained
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

Array = npt.NDArray[Any]

TARGET = "stm32g0b1re+tflm"
# Flash holds the file: its constants are exact, the rest of the file an estimate. The error is in logits.
LIMITS: dict[str, str | float] = {"flash_model": "10 KiB", "macs": "4 k", "latency": "0.4 ms", "error": 1.5}
GREY_LEVEL = 1 / 16
SEARCH = 2_000_000  # multiply-accumulates per box that the hunt for a witness may spend
SEED = 0


def data() -> tuple[Array, Array, Array, Array]:
    """Training and test images (pixels in [0, 1]) and labels."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    return images[:1297], labels[:1297], images[1297:], labels[1297:]


def boxes() -> list[gg.Box]:
    """Around the first test image of each digit."""
    _, _, images, labels = data()
    firsts = [images[labels == digit][:1] for digit in range(10)]
    return [
        gg.Box.around(image, GREY_LEVEL, clip=(0, 1), origin=f"one grey level around a {digit}")
        for digit, image in enumerate(firsts)
    ]


# ---- the search space


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    params: dict[str, Any] = {
        "layers": trial.suggest_int("layers", 1, 2),
        "width1": trial.suggest_int("width1", 4, 160, log=True),
        "decay": trial.suggest_float("decay", 1e-2, 10.0, log=True),
    }
    if params["layers"] == 2:
        params["width2"] = trial.suggest_int("width2", 4, 64, log=True)
    return params


def widths(params: Mapping[str, Any]) -> list[int]:
    hidden = [params[f"width{i + 1}"] for i in range(params["layers"])]
    return [64, *hidden, 10]


def skeleton(params: Mapping[str, Any]) -> Graph:
    """The quantised network of a configuration with the final shapes and types, but no weights and any scales."""
    builder = GraphBuilder("skeleton", "onnx")
    scale = Quantization(np.ones(1, np.float32), np.zeros(1, np.int32), 0)
    sizes = widths(params)
    current = builder.activation("image", [1, sizes[0]], "uint8", scale)
    builder.node("quantize", "quantize", [builder.input("x", [1, sizes[0]], "float32")], [current])
    for i, (before, after) in enumerate(itertools.pairwise(sizes)):
        weights = builder.constant_without_values(f"w{i}", [after, before], "int8", scale)
        bias = builder.constant_without_values(f"b{i}", [after], "int32", scale)
        result = builder.activation(f"h{i}", [1, after], "uint8", scale)
        builder.node("dense", f"dense{i}", [current, weights, bias], [result])
        current = result
    logits = builder.activation("logits", [1, sizes[-1]], "float32")
    builder.node("dequantize", "dequantize", [current], [logits])
    builder.output(logits)
    return builder.build()


# ---- training and quantising


def float_model(weights: Iterable[Array], biases: Iterable[Array]) -> onnx.ModelProto:
    """An ONNX file of dense layers with ReLU between them."""
    constants: dict[str, Array] = {}
    nodes = []
    current = "x"
    layers = list(zip(weights, biases, strict=True))
    for i, (w, b) in enumerate(layers):
        constants[f"w{i}"], constants[f"b{i}"] = w.astype(np.float32), b.astype(np.float32)
        last = i + 1 == len(layers)
        result = "logits" if last else f"sum{i}"
        nodes.append(helper.make_node("Gemm", [current, f"w{i}", f"b{i}"], [result], name=f"dense{i}"))
        if not last:
            current = f"hidden{i}"
            nodes.append(helper.make_node("Relu", [result], [current], name=f"relu{i}"))
    inputs, outputs = layers[0][0].shape[0], layers[-1][0].shape[1]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Calibration:
    """Images for the quantiser to choose its scales by."""

    def __init__(self, images: Array) -> None:
        self._rows: Iterator[dict[str, Array]] = iter([{"x": row[None]} for row in images])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._rows, None)


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
    )
    return source, target


def accuracy(deployed: Path, images: Array, labels: Array) -> float:
    """Share of images that the int8 network reads right, computed as the device would."""
    graph = gg.load(deployed)
    run = IntegerRunner(graph, "ort")
    found = [int(np.argmax(run([row[None]])[0])) for row in images]
    return float(np.mean(np.array(found) == labels))


def train(trial: optuna.Trial, checked: Checked) -> Trained:
    images, labels, test_images, test_labels = data()
    sizes = widths(checked.params)
    net = MLPClassifier(
        tuple(sizes[1:-1]),
        alpha=checked.params["decay"],
        learning_rate_init=0.005,
        max_iter=40,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(images, labels)
    with tempfile.TemporaryDirectory() as folder:
        source, target = quantise(float_model(net.coefs_, net.intercepts_), Path(folder))
        latency = checked.cost.latency
        assert latency is not None
        values = (accuracy(target, test_images, test_labels), latency.value)
        return Trained(values, deployed=gg.load(target), reference=gg.load(source))


# ---- the study


def gate() -> ModelGate:
    # MACs and constants are exact and reject by themselves; latency is an estimate, which we allow to reject when
    # the whole interval is too slow.
    return ModelGate(skeleton, target=TARGET, limits=LIMITS, reject_on_estimates=("latency",))


def search(trials: int) -> optuna.Study:
    objective = GatedObjective(gate(), suggest, train, box=boxes(), profile="ort", search=SEARCH, seed=SEED)
    study = optuna.create_study(
        directions=["maximize", "minimize"],
        sampler=optuna.samplers.TPESampler(seed=SEED, constant_liar=False),
    )
    study.optimize(objective, n_trials=trials, callbacks=[report], gc_after_trial=False)
    return study


def report(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """One line per trial."""
    attributes = trial.user_attrs
    shape = "-".join(str(w) for w in widths(trial.params)[1:-1])
    if trial.values is None:
        outcome = "rejected untrained: " + attributes.get("gonogo:rejected", str(trial.state))
    else:
        outcome = (
            f"accuracy {trial.values[0]:.3f}, error at most {gg.units.up(attributes['gonogo:error_bound'])}"
        )
        if attributes["gonogo:margin:error"] > 0:
            outcome += " (too far)"
    print(f"{trial.number:3d}  {shape:>7}  decay {trial.params['decay']:<7.3g} {outcome}", flush=True)


def table(study: optuna.Study) -> Iterator[str]:
    """The Pareto set among the trials that keep every limit."""
    yield (
        "net      decay    accuracy  latency, estimated          RAM, est.  flash, est.  "
        "error: witness <= worst case <= bound"
    )
    judge = gate()
    seen = set()
    for trial in sorted(study.best_trials, key=lambda t: (t.values[1], t.user_attrs["gonogo:error_bound"])):
        if tuple(trial.values) in seen:  # as accurate and as fast as the last one, with a larger bound
            continue
        seen.add(tuple(trial.values))
        cost = judge.check(trial.params).cost
        latency, ram = cost.latency, cost.ram
        assert latency is not None
        assert ram is not None
        interval = f"{latency.value * 1e6:.0f} us ({latency.low * 1e6:.0f} to {latency.high * 1e6:.0f})"
        bracket = (
            f"{gg.units.down(trial.user_attrs['gonogo:error_witness'])} <= worst case <= "
            f"{gg.units.up(trial.user_attrs['gonogo:error_bound'])}"
        )
        shape = "-".join(str(w) for w in widths(trial.params)[1:-1])
        yield (
            f"{shape:<8} {trial.params['decay']:<8.3g} {trial.values[0]:<9.3f} {interval:<27} "
            f"{int(ram.value):<10d} {int(cost.flash_parts['model'].value):<12d} {bracket}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=50)
    trials = parser.parse_args().trials
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser's advice on every model
    start = time.perf_counter()
    study = search(trials)
    states = [t.state.name for t in study.trials]
    print(
        f"\n{trials} configurations in {time.perf_counter() - start:.0f} s: {states.count('PRUNED')} rejected before "
        f"training, {states.count('COMPLETE')} trained and bounded. On {TARGET}; error in logits, over one grey level "
        "around ten test images.\n"
    )
    print("\n".join(table(study)))


if __name__ == "__main__":
    main()
