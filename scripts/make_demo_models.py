"""Makes the pair of models that the package ships: a small net that reads 8x8 digits, in float32 and in int8.

    python scripts/make_demo_models.py            # writes python/gonogo/demo
    python scripts/make_demo_models.py --check    # runs what is there in the installed runtimes

Trains with numpy on scikit-learn's digits (seeds fixed), quantises by the rules of TensorFlow Lite's 8-bit
specification (activations: int8 per tensor, ranges of the training images; convolution weights: per channel,
symmetric; bias: int32 in units of input scale times weight scale) and writes both as .tflite, with a box of
inputs around one test image. Needs numpy, scikit-learn, flatbuffers and the tflite schema package.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from demo_net import accuracy, calibrate, train
from demo_tflite import Layer, Model, Scale, write
from sklearn.datasets import load_digits

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "python" / "gonogo" / "demo"
SEED = 20
RADIUS = 1.0 / 256.0  # one level of an 8-bit sensor


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = (digits.images[order] / 16.0).reshape(-1, 8, 8, 1)
    labels = digits.target[order]
    cut = len(labels) * 4 // 5
    return images[:cut], labels[:cut], images[cut:], labels[cut:]


def activation_scale(lo: float, hi: float) -> Scale:
    """Scale and zero point so that the range, widened to hold zero, covers the 256 codes."""
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    scale = np.float32((hi - lo) / 255.0)
    return Scale(np.array([scale]), int(np.clip(np.round(-128 - lo / float(scale)), -128, 127)))


def weight_scale(weights: np.ndarray, axis: int | None) -> Scale:
    others = None if axis is None else tuple(d for d in range(weights.ndim) if d != axis)
    largest = np.max(np.abs(weights), axis=others)
    return Scale(np.atleast_1d(np.float32(largest / 127.0)), 0, axis or 0)


def quantise_weights(weights: np.ndarray, scale: Scale) -> np.ndarray:
    shape = [1] * weights.ndim
    shape[scale.axis] = len(scale.scales)
    steps = scale.scales.astype(np.float64).reshape(shape)
    return np.clip(np.round(weights / steps), -127, 127).astype(np.int8)


def float_model(p: dict[str, np.ndarray]) -> Model:
    def layer(kind: str, output: str, shape: list[int], weight: str = "", **options: object) -> Layer:
        constants = (
            [(weight + "/weights", p[weight + "_w"]), (weight + "/bias", p[weight + "_b"])] if weight else []
        )
        return Layer(
            kind, output, shape, [(n, v.astype(np.float32), None) for n, v in constants], None, options
        )

    return network(layer, None)


def int8_model(p: dict[str, np.ndarray], ranges: dict[str, tuple[float, float]]) -> Model:
    scales = {name: activation_scale(*limits) for name, limits in ranges.items()}
    scales["pool"] = scales["flat"] = scales["pointwise"]  # operators that do not requantise
    scales["probabilities"] = Scale(np.array([1 / 256], dtype=np.float32), -128)
    previous = "image"

    def layer(kind: str, output: str, shape: list[int], weight: str = "", **options: object) -> Layer:
        nonlocal previous
        constants: list[tuple[str, np.ndarray, Scale | None]] = []
        if weight:
            w, b = p[weight + "_w"], p[weight + "_b"]
            s = weight_scale(w, {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}.get(kind))
            step = scales[previous].scales.astype(np.float64) * s.scales.astype(np.float64)
            bias = np.round(b / step).astype(np.int32)
            constants = [
                (weight + "/weights", quantise_weights(w, s), s),
                (weight + "/bias", bias, Scale(step.astype(np.float32), 0)),
            ]
        previous = output
        return Layer(kind, output, shape, constants, scales[output], options)

    return network(layer, scales["image"])


def network(layer: Callable[..., Layer], image: Scale | None) -> Model:
    """The net, said once for both element types."""
    same, relu = {"padding": 0}, {"activation": 1}
    layers = [
        layer("CONV_2D", "conv", [1, 8, 8, 8], "conv", strides=1, **same, **relu),
        layer("DEPTHWISE_CONV_2D", "depthwise", [1, 4, 4, 8], "depthwise", strides=2, **same, **relu),
        layer("CONV_2D", "pointwise", [1, 4, 4, 16], "pointwise", strides=1, **same, **relu),
        layer("AVERAGE_POOL_2D", "pool", [1, 2, 2, 16], strides=2, kernel=2, padding=1, activation=0),
        layer("RESHAPE", "flat", [1, 64]),
        layer("FULLY_CONNECTED", "logits", [1, 10], "dense", activation=0),
        layer("SOFTMAX", "probabilities", [1, 10]),
    ]
    return Model("image", [1, 8, 8, 1], image, layers)


def check() -> None:
    """Accuracy of the shipped files in tflite-micro and LiteRT, whichever is installed."""
    _, _, images, labels = data()
    images = images.astype(np.float32)
    for path in sorted(DEMO.glob("*.tflite")):
        for name, run in runtimes(path).items():
            share = 100 * accuracy(run(images), labels)
            print(f"{path.name}: {name}: {share:.1f} % of {len(labels)} test images")


def runtimes(path: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    try:
        from tflite_micro.python.tflite_micro import runtime

        micro = runtime.Interpreter.from_file(str(path))
        found["tflite-micro"] = lambda images: np.array([_run_micro(micro, x[None]) for x in images])
    except ImportError:
        pass
    try:
        from ai_edge_litert.interpreter import Interpreter

        lite = Interpreter(str(path))
        lite.allocate_tensors()
        found["LiteRT"] = lambda images: np.array([_run_lite(lite, x[None]) for x in images])
    except ImportError:
        pass
    return found


def _codes(image: np.ndarray, details: dict[str, Any]) -> np.ndarray:
    if details["dtype"] is np.float32:
        return image
    q = details["quantization_parameters"]
    codes = np.round(image / np.float64(q["scales"][0])) + q["zero_points"][0]
    return np.clip(codes, -128, 127).astype(np.int8)


def _run_micro(interpreter: Any, image: np.ndarray) -> np.ndarray:
    interpreter.set_input(_codes(image, interpreter.get_input_details(0)), 0)
    interpreter.invoke()
    return np.array(interpreter.get_output(0)[0])


def _run_lite(interpreter: Any, image: np.ndarray) -> np.ndarray:
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], _codes(image, details))
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only run the files that are there")
    if not parser.parse_args().check:
        train_x, train_y, test_x, _ = data()
        parameters = train(train_x, train_y, SEED)
        DEMO.mkdir(parents=True, exist_ok=True)
        (DEMO / "digits_float32.tflite").write_bytes(write(float_model(parameters)))
        model = int8_model(parameters, calibrate(parameters, train_x))
        (DEMO / "digits_int8.tflite").write_bytes(write(model))
        centre = test_x[1].reshape(1, 8, 8, 1)
        box = {"sample": centre.tolist(), "radius": RADIUS, "clip": [0, 1]}
        (DEMO / "digits_box.json").write_text(json.dumps(box) + "\n")
    check()


if __name__ == "__main__":
    main()
