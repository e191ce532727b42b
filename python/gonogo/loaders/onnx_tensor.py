"""TensorProto to numpy arrays, with every count and size checked; external data is refused: a model is one file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gonogo.errors import ModelError, UnsupportedTypeError
from gonogo.loaders import common

Array = npt.NDArray[Any]

# TensorProto.DataType of the format, by number.
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool"}
OTHER_DTYPES = {
    4: "uint16", 8: "string", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64",
    15: "complex128", 16: "bfloat16", 17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2",
    20: "float8e5m2fnuz", 23: "float4e2m1",
}  # fmt: skip
# Two per byte in the file, one per int8 in memory; `Model.four_bit` says which constants these are.
FOUR_BIT = {21: "uint4", 22: "int4"}


def tensor_values(tensor: Any, where: str) -> Array:
    """The values of a TensorProto."""
    if tensor.data_location == 1 or len(tensor.external_data) > 0:
        raise ModelError(f"{where}: keeps its values in another file; save the model with its data inside")
    if tensor.HasField("segment"):
        raise ModelError(f"{where}: is stored in segments, which no current writer does")
    dtype = DTYPES.get(tensor.data_type)
    if dtype is None and tensor.data_type not in FOUR_BIT:
        name = OTHER_DTYPES.get(tensor.data_type, f"number {tensor.data_type}")
        raise UnsupportedTypeError(
            f"{where}: element type {name}; float32, int4, uint4, int8, uint8, int16, int32, int64 and bool are "
            "supported"
        )
    shape = common.checked_shape(list(tensor.dims), where)
    count = math.prod(shape)
    if dtype is None:
        return unpacked(_packed_bytes(tensor, where), shape, FOUR_BIT[tensor.data_type], where)
    if tensor.HasField("raw_data"):
        raw = tensor.raw_data
        itemsize = np.dtype(dtype).itemsize
        if len(raw) != count * itemsize:
            raise ModelError(f"{where}: {len(raw)} bytes for shape {shape} of {dtype}")
        if dtype == "bool":
            bits = np.frombuffer(raw, np.uint8)
            if bool((bits > 1).any()):
                raise ModelError(f"{where}: a truth value that is neither 0 nor 1")
            return bits.astype(np.bool_).reshape(shape)
        return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)
    if dtype == "float32":
        listed: Array = np.array(tensor.float_data, np.float32)
    elif dtype == "int64":
        listed = np.array(tensor.int64_data, np.int64)
    else:
        listed = np.array(tensor.int32_data, np.int64)
    if len(listed) != count:
        raise ModelError(f"{where}: {len(listed)} values for shape {shape}")
    if dtype not in ("float32", "int64"):
        low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if bool(((listed < low) | (listed > high)).any()):
            raise ModelError(f"{where}: a value outside {dtype}")
    return listed.astype(dtype).reshape(shape)


def _packed_bytes(tensor: Any, where: str) -> Array:
    """The bytes of an int4 or uint4 tensor, stored as they are or one per number."""
    if tensor.HasField("raw_data"):
        return np.frombuffer(tensor.raw_data, np.uint8)
    listed = np.array(tensor.int32_data, np.int64)
    if bool(((listed < 0) | (listed > 255)).any()):
        raise ModelError(f"{where}: int32_data holds a number outside a byte; it packs two values in each")
    return listed.astype(np.uint8)


def unpacked(packed: Array, shape: list[int], dtype: str, where: str) -> Array:
    """int4 or uint4 values as int8: two per byte, the lower half first; of an odd count the last half is unused.

    `packed`: uint8[ceil(count / 2)].
    """
    count = math.prod(shape)
    if packed.size != (count + 1) // 2:
        raise ModelError(
            f"{where}: {packed.size} bytes for shape {shape} of {dtype}, which needs {(count + 1) // 2}"
        )
    halves = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)[:count].astype(np.int8)
    return (((halves ^ 8) - 8) if dtype == "int4" else halves).reshape(shape)
