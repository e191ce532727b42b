"""What every loader needs: limits on untrusted files, and tensors on their way from a file to the builder."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo import _core
from gonogo.errors import ModelError, QuantizationError, ShapeError

# Far above anything that fits a microcontroller, far below what would exhaust a workstation.
MAX_FILE_BYTES = 1 << 29
MAX_TENSORS = 1 << 16
MAX_NODES = 1 << 16
MAX_RANK = 8
MAX_DIMENSION = 1 << 26
MAX_ELEMENTS = 1 << 26
MAX_TOTAL_ELEMENTS = 1 << 28
MAX_NAME = 1 << 10

# Smallest and largest zero point per element type; types that are not listed cannot be quantised.
ZERO_POINT_RANGE = {
    "int8": (-128, 127),
    "uint8": (0, 255),
    "int16": (-32768, 32767),
    "int32": (0, 0),
    "int64": (0, 0),  # biases of int16 layers
    "int4": (-8, 7),
    "uint4": (0, 15),
}


@dataclass(frozen=True, slots=True)
class Quantized:
    """Scales and zero points as a file states them: one each, one per index of `axis`, or one per block along it.

    Of blocks (`block` > 0) there is one each per `block` neighbours along `axis`, the last block may be shorter; they
    are listed in row-major order of the tensor's shape, dimension `axis` of which counts blocks then.
    """

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int32]
    axis: int = 0
    block: int = 0

    @property
    def per_tensor(self) -> bool:
        return len(self.scales) == 1

    def to_core(self) -> Any:
        return _core.Quantization(self.scales, self.zero_points, self.axis, self.block)

    def moved(self, shape: list[int], permutation: list[int]) -> Quantized:
        """The parameters of the transposed tensor; `shape` is the shape before."""
        if self.per_tensor and self.block == 0:
            return self
        axis = permutation.index(self.axis)
        if self.block == 0:
            return Quantized(self.scales, self.zero_points, axis)
        listed = blocks_of(shape, self.axis, self.block)
        scales = self.scales.reshape(listed).transpose(permutation).reshape(-1)
        points = self.zero_points.reshape(listed).transpose(permutation).reshape(-1)
        return Quantized(scales, points, axis, self.block)

    def spread(self, shape: list[int]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        """Scales and zero points in shapes that broadcast to the tensor's."""
        if self.block == 0:
            to = [1] * len(shape)
            if not self.per_tensor:
                to[self.axis] = -1
            return self.scales.reshape(to), self.zero_points.reshape(to)
        listed = blocks_of(shape, self.axis, self.block)
        block_of_index = np.arange(shape[self.axis]) // self.block
        return (
            np.take(self.scales.reshape(listed), block_of_index, self.axis),
            np.take(self.zero_points.reshape(listed), block_of_index, self.axis),
        )


def blocks_of(shape: list[int], axis: int, block: int) -> list[int]:
    """The shape with dimension `axis` counted in blocks."""
    return [-(-d // block) if i == axis else d for i, d in enumerate(shape)]


def read_file(path: Path) -> bytes:
    """The bytes of a model file, or a ModelError that says why not."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(f"{path}: not a file; give the path of a .tflite or .onnx model")
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: {size} bytes; models of more than {MAX_FILE_BYTES} bytes are not read")
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; give the path of a .tflite or .onnx model") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL character
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"{path}: cannot be read: {reason}") from None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def checked_shape(dims: npt.NDArray[Any] | list[int], where: str) -> list[int]:
    """The dimensions as a list, none negative, and their product small enough to be worth computing with."""
    if len(dims) > MAX_RANK:
        raise ShapeError(f"{where}: rank {len(dims)}; at most {MAX_RANK} dimensions are supported")
    shape = [int(d) for d in dims]
    for d in shape:
        if d < 0 or d > MAX_DIMENSION:
            raise ShapeError(f"{where}: shape {shape}: dimensions must lie in [0, {MAX_DIMENSION}]")
    if math.prod(shape) > MAX_ELEMENTS:
        raise ShapeError(f"{where}: shape {shape} has more than {MAX_ELEMENTS} elements")
    return shape


def checked_quantization(
    scales: npt.NDArray[Any],
    zero_points: npt.NDArray[Any],
    axis: int,
    shape: list[int],
    dtype: str,
    where: str,
    block: int = 0,
) -> Quantized:
    """Scales that are positive and finite, zero points in the range of the type, one of each per slice or block."""
    low, high = ZERO_POINT_RANGE.get(dtype, (0, -1))
    if high < low:
        raise QuantizationError(f"{where}: {dtype} with a scale; only integers can be quantised")
    if len(zero_points) == 0:
        zero_points = np.zeros(len(scales), dtype=np.int64)
    if len(zero_points) != len(scales):
        raise QuantizationError(f"{where}: {len(scales)} scales but {len(zero_points)} zero points")
    valid = np.isfinite(scales) & (
        (scales > 0) | (block > 0)
    )  # of blocks any sign, and zero: quantisers write them
    if not bool(np.all(valid)):
        what = "finite" if block > 0 else "positive and finite"
        raise QuantizationError(f"{where}: scale {float(scales[~valid][0])!r}; scales must be {what}")
    if not bool(np.all((zero_points >= low) & (zero_points <= high))):
        bad_point = int(zero_points[(zero_points < low) | (zero_points > high)][0])
        raise QuantizationError(f"{where}: zero point {bad_point} outside [{low}, {high}] for {dtype}")
    if block == 0 and (len(scales) == 1 or len(shape) == 1):
        axis = 0  # a list has one axis only: old converters state the weights' axis for a bias
    if block > 0:
        if not 0 <= axis < len(shape) or math.prod(blocks_of(shape, axis, block)) != len(scales):
            raise QuantizationError(
                f"{where}: {len(scales)} scales do not fit blocks of {block} along axis {axis} of shape {shape}"
            )
    elif len(scales) > 1 and (not 0 <= axis < len(shape) or shape[axis] != len(scales)):
        raise QuantizationError(f"{where}: {len(scales)} scales do not fit axis {axis} of shape {shape}")
    return Quantized(scales.astype(np.float32), zero_points.astype(np.int32), axis, block)


def check_finite(values: npt.NDArray[Any], where: str) -> None:
    """Refuses NaN and infinity in a float constant, and names the first one."""
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values)
    if not bool(finite.all()):
        at = int(np.argmin(finite.reshape(-1)))
        raise ModelError(f"{where}: element {at} is {values.reshape(-1)[at]}; constants must be finite")


class Names:
    """Makes tensor names unique, because a bound is asked for by name."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str, index: int) -> str:
        name = name or f"tensor_{index}"
        candidate = name
        while candidate in self._taken:
            candidate = f"{name}#{index}" if candidate == name else f"{candidate}_"
        self._taken.add(candidate)
        return candidate
