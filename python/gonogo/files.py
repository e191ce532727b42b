"""Reading the small files that come with a model: boxes, samples, data. They are no more trusted than models are."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo._core import numeric
from gonogo.errors import BoxError

MAX_BYTES = 1 << 30
_MAX_NUMBER = 400


def _size_checked(path: Path) -> None:
    size = path.stat().st_size  # FileNotFoundError and PermissionError say it best themselves
    if not path.is_file():
        raise BoxError(f"{path}: not a file")
    if size > MAX_BYTES:
        raise BoxError(f"{path}: {size} bytes; files over {MAX_BYTES} bytes aren't read")


def json_intervals(path: Path) -> dict[str, Any]:
    """A JSON object whose numbers are pairs (lower, upper): the doubles on either side of what was written."""

    def number(text: str) -> tuple[float, float]:
        if len(text) > _MAX_NUMBER:
            raise ValueError("a number with more than 400 characters")
        return numeric.parse_decimal(text)

    def constant(text: str) -> object:
        raise ValueError(f"{text} isn't a finite number")

    _size_checked(path)
    try:
        text = path.read_bytes().decode("utf-8")
        data = json.loads(text, parse_float=number, parse_int=number, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise BoxError(f"{path}: not a JSON box: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise BoxError(f"{path}: not a JSON box: the file must hold an object")
    return data


def npz_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every array of a .npz archive; nothing is unpickled, and nothing larger than the limit is unpacked."""
    _size_checked(path)
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
        if total > MAX_BYTES:
            raise BoxError(f"{path}: unpacks to {total} bytes; files over {MAX_BYTES} bytes aren't read")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except BoxError:
        raise
    except OSError:
        raise
    except Exception as error:  # numpy and zipfile raise a dozen different ones on damaged files
        raise BoxError(f"{path}: not a .npz archive of numbers: {' '.join(str(error).split())}") from None
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise BoxError(f"{path}: '{name}' isn't an array")
    return found


def read_array(path: Path, key: str | None = None) -> npt.NDArray[Any]:
    """One array: a .npy file, the array `key` of a .npz archive, or its only one."""
    if path.suffix.lower() == ".npz":
        arrays = npz_arrays(path)
        if key is None and len(arrays) == 1:
            return next(iter(arrays.values()))
        if key is None or key not in arrays:
            raise BoxError(f"{path}: holds {sorted(arrays)}; name the array to read")
        return arrays[key]
    _size_checked(path)
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:
        raise BoxError(f"{path}: not a .npy array of numbers: {' '.join(str(error).split())}") from None
    return array
