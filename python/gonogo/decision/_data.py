"""The rows that decisions are asked about, and the box around each."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy.typing as npt

from gonogo.box import Box, exact_float64
from gonogo.errors import BoxError
from gonogo.files import npz_arrays, read_array
from gonogo.results import Array

if TYPE_CHECKING:
    from gonogo._core import Graph

DataLike = Union["str", "os.PathLike[str]", npt.NDArray[Any], Mapping[str, npt.NDArray[Any]]]


def samples(data: DataLike, key: str | None, graph: Graph) -> tuple[list[Array], str, str]:
    """One array [rows, *input shape] per model input, where they come from, and their hash."""
    name = "an array"
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        name = path.name
        if path.suffix.lower() == ".npz" and key is None and len(graph.inputs) > 1:
            data = npz_arrays(path)
        else:
            data = read_array(path, key)
    if isinstance(data, Mapping):
        if set(data) != set(graph.inputs):
            raise BoxError(
                f"{graph.source}: data for inputs {sorted(data)}, the model has {list(graph.inputs)}"
            )
        arrays: Sequence[Any] = [data[n] for n in graph.inputs]
    else:
        arrays = [data]
    if len(arrays) != len(graph.inputs):
        raise BoxError(
            f"{graph.source}: one array of data given, the model has inputs {list(graph.inputs)}; give them by name"
        )
    found = [
        _rows(array, tuple(graph.tensor(n).shape), f"{name}, input '{n}'")
        for n, array in zip(graph.inputs, arrays, strict=True)
    ]
    if len({len(s) for s in found}) != 1:
        raise BoxError(f"data: the inputs have {[len(s) for s in found]} rows; give as many for each")
    digest = hashlib.sha256()
    for s in found:
        digest.update(repr(s.shape).encode() + s.astype("<f8").tobytes())
    return found, name, digest.hexdigest()


def _rows(values: object, shape: tuple[int, ...], what: str) -> Array:
    array = exact_float64(values, what)
    for expected in (shape, shape[1:] if shape[:1] == (1,) else shape):
        if array.ndim == len(expected) + 1 and array.shape[1:] == expected:
            if len(array) == 0:
                raise BoxError(f"{what}: no rows")
            return array.reshape((len(array), *shape))
    raise BoxError(
        f"{what}: array of shape {list(array.shape)}; expected [rows, {', '.join(str(n) for n in shape)}]"
    )


def row_box(
    samples: list[Array], row: int, radius: float, clip: tuple[float, float] | None, graph: Graph
) -> tuple[list[Array], list[Array]]:
    try:
        return Box.around([s[row] for s in samples], radius, clip).fit(graph)
    except BoxError as problem:
        raise BoxError(f"row {row}: {problem}") from None
