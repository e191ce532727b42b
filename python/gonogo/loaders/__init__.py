"""From a model file to a graph. A loader reads a file and calls the builder; it never computes on weights.

Files are untrusted. Whatever a file holds, a loader returns a graph or raises one of gonogo's errors.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gonogo.errors import ModelError
from gonogo.loaders.common import read_file

if TYPE_CHECKING:
    from gonogo import _core

__all__ = ["load", "load_bytes"]


def load(path: str | os.PathLike[str]) -> _core.Graph:
    """Reads a .tflite or .onnx file; the content decides which of the two it is."""
    place = Path(path)
    data = read_file(place)
    return load_bytes(data, str(place), directory=place.parent)


def load_bytes(data: bytes, source: str, directory: Path | None = None) -> _core.Graph:
    """Reads a model from memory. `source` names it in errors; `directory` holds an ONNX file's companions."""
    suffix = os.path.splitext(source)[1].lower()
    if data[4:8] == b"TFL3" or suffix == ".tflite":
        from gonogo.loaders.tflite import load_tflite

        return load_tflite(data, source)
    if suffix == ".onnx":
        from gonogo.loaders.onnx import load_onnx

        return load_onnx(data, source, directory)
    if not data:
        raise ModelError(f"{source}: the file is empty")
    raise ModelError(f"{source}: neither a TensorFlow Lite nor an ONNX model; name the file .tflite or .onnx")
