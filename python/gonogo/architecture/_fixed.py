"""A model that is there already, as an architecture without parameters."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonogo import loaders
from gonogo.errors import ArchitectureError, GonogoError, ModelError
from gonogo.loaders.common import read_file

if TYPE_CHECKING:
    from gonogo._core import Graph


class FixedArchitecture:
    """One network, from a file or a framework; `graph` is what the device would run.

    `gonogo.cost` takes it as it is. There is no space to search, so the gate for it is
    ``ModelGate(fixed.model, target=..., limits=...)``, asked with ``check({})``.
    """

    def __init__(self, data: bytes, source: str, folder: Path | None = None) -> None:
        self._data, self.name, self._folder = data, source, folder
        self.graph: Graph = loaders.load_bytes(data, source, directory=folder)

    def model(self, config: Mapping[str, Any] | None = None) -> Graph:
        """The network; a configuration, if any, must be empty."""
        if config:
            raise ArchitectureError(
                f"{self.name}: a fixed model has no parameters, {', '.join(map(repr, config))} given; write a build "
                "function for a gonogo.Architecture to search over them"
            )
        return self.graph

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self._data, "source": self.name, "folder": self._folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["data"], state["source"], state["folder"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<gonogo.FixedArchitecture '{self.name}', {len(self.graph.nodes)} operators>"


def from_file(path: str | os.PathLike[str], kind: str) -> FixedArchitecture:
    """From a .tflite or .onnx file; `kind`, one of these endings, is what its content must be."""
    place = Path(path)
    data = read_file(place)
    is_tflite = data[4:8] == b"TFL3"
    if is_tflite != (kind == ".tflite"):
        found = "a TensorFlow Lite file" if is_tflite else "no TensorFlow Lite file"
        other = "from_tflite" if is_tflite else "from_onnx"
        hint = f"; write Architecture.{other}" if is_tflite or place.suffix.lower() == ".onnx" else ""
        raise ModelError(f"{place}: {found}{hint}")
    source = str(place) if place.suffix.lower() == kind else f"{place}{kind}"
    return FixedArchitecture(data, source, place.parent)


def from_torch(module: Any, example_input: Any) -> FixedArchitecture:
    """From a torch.nn.Module, by way of torch.onnx.export with the example's shape."""
    torch = _need("torch", "from_torch", "torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module: {type(module).__name__} given; pass a torch.nn.Module")
    examples = example_input if isinstance(example_input, tuple) else (example_input,)
    for example in examples:
        if not isinstance(example, torch.Tensor):
            raise TypeError(
                f"example_input: {type(example).__name__} given; pass a torch.Tensor of the input's shape, for example "
                "torch.zeros(1, 3, 32, 32), or a tuple of one per input"
            )
    name, written = type(module).__name__, io.BytesIO()
    was_training = module.training
    try:
        # The exporter by tracing: it needs no further packages, and says at length that there is another one.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(module.eval(), examples, written, dynamo=False)
    except Exception as error:
        raise _failed(name, "torch.onnx.export", error) from error
    finally:
        module.train(was_training)
    return FixedArchitecture(written.getvalue(), f"{name}.onnx")


def from_keras(model: Any) -> FixedArchitecture:
    """From a Keras model, by way of TensorFlow's own converter to TensorFlow Lite."""
    tensorflow = _need("tensorflow", "from_keras", "tensorflow")
    if not isinstance(model, tensorflow.keras.Model):
        raise TypeError(f"model: {type(model).__name__} given; pass a tf.keras.Model")
    name = str(model.name)
    if not model.built:
        raise ArchitectureError(
            f"{name}: the model has no shapes yet; start it with keras.Input(shape=...), or call "
            "model.build(...)"
        )
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the converter reports its steps
            data = tensorflow.lite.TFLiteConverter.from_keras_model(_of_one(tensorflow, model)).convert()
    except Exception as error:
        raise _failed(name, "TFLiteConverter", error) from error
    return FixedArchitecture(data, f"{name}.tflite")


# ---- helpers


def _of_one(tensorflow: Any, model: Any) -> Any:
    """The same model with a batch of 1, as on the device; without it the converter leaves the batch open."""
    keras = tensorflow.keras
    shapes = [tuple(x.shape) for x in model.inputs]
    for shape in shapes:
        if any(size is None for size in shape[1:]):
            raise ArchitectureError(f"{model.name}: input shape {shape}; give every size but the batch")
    inputs = [
        keras.Input(batch_shape=(1, *shape[1:]), dtype=x.dtype)
        for x, shape in zip(model.inputs, shapes, strict=True)
    ]
    return keras.Model(inputs, model(inputs if len(inputs) > 1 else inputs[0]), name=model.name)


def _need(module: str, what: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(
            f"Architecture.{what} needs {package}, which isn't installed: pip install {package}"
        ) from None


def _failed(name: str, what: str, error: Exception) -> GonogoError:
    if isinstance(error, GonogoError):
        return error
    return ArchitectureError(f"{name}: {what} failed: {type(error).__name__}: {' '.join(str(error).split())}")
