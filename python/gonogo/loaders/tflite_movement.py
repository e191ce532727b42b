"""TensorFlow Lite operators that move elements, and the shape arithmetic that is folded on the way.

Shapes, axes and paddings become attributes. The tensors that held them stay inputs of the node: their bytes
are part of the model, and those that are computed on the device occupy its memory until the node has run.
"""

from __future__ import annotations

import math

import numpy as np

from gonogo.errors import ShapeError, UnsupportedOperatorError
from gonogo.loaders import tflite_schema as schema
from gonogo.loaders.common import MAX_DIMENSION
from gonogo.loaders.tflite_node import Attribute, Operation, Translated, fold


def _paddings(node: Operation) -> dict[str, Attribute]:
    values = node.constant_integers(1, "paddings")
    rank = len(node.input(0).shape)
    if len(values) != 2 * rank or any(not 0 <= v <= MAX_DIMENSION for v in values):
        node.fail(ShapeError, f"paddings {values} do not fit {rank} dimensions")
    return {"pads": values[0::2] + values[1::2], "value": 0.0}


def pad(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    return Translated("pad", list(node.inputs), _paddings(node))


def pad_v2(node: Operation) -> Translated:
    node.need_arithmetic_type(0)
    attributes = _paddings(node)
    if node.has(2):
        tensor = node.input(2)
        if tensor.values is None or tensor.values.size != 1 or tensor.dtype != node.input(0).dtype:
            node.fail(UnsupportedOperatorError, "the padding value must be one constant of the input's type")
        value = tensor.values.reshape(-1)[0]
        if tensor.is_float:
            attributes["value"] = float(value)
        else:
            q = node.input(0).quantization
            if q is None or int(value) != int(q.zero_points[0]):
                node.fail(
                    UnsupportedOperatorError,
                    "a padding value other than the zero point is unsupported",
                )
    return Translated("pad", list(node.inputs), attributes)


def concatenation(node: Operation) -> Translated:
    table = node.table("ConcatenationOptions")
    attributes: dict[str, Attribute] = {"axis": table.i32(0), "activation": node.activation(table, 1)}
    return Translated("concat", list(node.inputs), attributes)


def reshape(node: Operation) -> Translated:
    x = node.input(0)
    wanted = node.integers(1) if node.has(1) else None
    if wanted is None:
        # Without a second input, or with one that only the device computes, the stated output shape decides.
        wanted = list(node.output().shape)
    if wanted.count(-1) == 1:
        rest = math.prod(d for d in wanted if d != -1)
        if rest > 0 and math.prod(x.shape) % rest == 0:
            wanted = [math.prod(x.shape) // rest if d == -1 else d for d in wanted]
    if min(wanted, default=0) < 0 or math.prod(wanted) != math.prod(x.shape):
        node.fail(ShapeError, f"shape {x.shape} cannot become {wanted}")
    return Translated("reshape", list(node.inputs), {"shape": wanted})


def squeeze(node: Operation) -> Translated:
    shape = node.input(0).shape
    table = node.options("SqueezeOptions", required=False)
    rank = len(shape)
    axes = [int(a) for a in table.array(0, "<i4")[:rank]] if table is not None else []
    axes = [a + rank if a < 0 else a for a in axes] or [d for d in range(rank) if shape[d] == 1]
    if any(not 0 <= a < rank or shape[a] != 1 for a in axes):
        node.fail(ShapeError, f"axes {axes} of shape {shape} cannot be squeezed")
    return Translated(
        "reshape", list(node.inputs), {"shape": [shape[d] for d in range(rank) if d not in axes]}
    )


def expand_dims(node: Operation) -> Translated:
    shape = list(node.input(0).shape)
    axes = node.constant_integers(1, "axes")
    if len(axes) != 1 or not -len(shape) - 1 <= axes[0] <= len(shape):
        node.fail(ShapeError, f"axes {axes} do not fit shape {shape}")
    at = axes[0] + len(shape) + 1 if axes[0] < 0 else axes[0]
    return Translated("reshape", list(node.inputs), {"shape": [*shape[:at], 1, *shape[at:]]})


def transpose(node: Operation) -> Translated:
    perm = node.constant_integers(1, "permutations")
    rank = len(node.input(0).shape)
    perm = [p + rank if p < 0 else p for p in perm]
    if sorted(perm) != list(range(rank)):
        node.fail(ShapeError, f"{perm} is not a permutation of {rank} axes")
    return Translated("transpose", list(node.inputs), {"perm": perm})


def strided_slice(node: Operation) -> Translated:
    x = node.input(0)
    field = schema.StridedSliceOptions
    table = node.table("StridedSliceOptions")
    if any(table.i32(slot) for slot in (field.ELLIPSIS_MASK, field.NEW_AXIS_MASK)) or table.u8(field.OFFSET):
        node.fail(UnsupportedOperatorError, "ellipsis, new axes and offsets are not supported")
    begin, end, strides = (node.constant_integers(i, "bounds of a slice") for i in (1, 2, 3))
    rank = len(x.shape)
    if not len(begin) == len(end) == len(strides) <= rank or 0 in strides:
        node.fail(ShapeError, f"begin {begin}, end {end}, strides {strides} do not fit shape {x.shape}")
    begin_mask, end_mask, shrink = (
        table.i32(s) for s in (field.BEGIN_MASK, field.END_MASK, field.SHRINK_AXIS_MASK)
    )
    for d in range(rank):
        if d >= len(begin):
            begin, end, strides = [*begin, 0], [*end, x.shape[d]], [*strides, 1]
        elif shrink >> d & 1:
            at = begin[d] + x.shape[d] if begin[d] < 0 else begin[d]
            if not 0 <= at < x.shape[d]:
                node.fail(ShapeError, f"index {begin[d]} lies outside shape {x.shape}")
            begin[d], end[d], strides[d] = at, at + 1, 1
        else:
            chosen = slice(
                None if begin_mask >> d & 1 else begin[d], None if end_mask >> d & 1 else end[d], strides[d]
            )
            begin[d], end[d], strides[d] = chosen.indices(x.shape[d])
            end[d] = max(begin[d], end[d]) if strides[d] > 0 else end[d]
    values = node.integers(0) if x.dtype in ("int32", "int64") and math.prod(x.shape) <= 64 else None
    known = None
    if values is not None:
        slices = tuple(
            slice(b, e if e >= 0 else None, s) for b, e, s in zip(begin, end, strides, strict=True)
        )
        known = fold(np.asarray(values, dtype=object).reshape(x.shape)[slices])
    # Axes to be dropped show in the output's shape, which the builder compares.
    return Translated(
        "strided_slice", list(node.inputs), {"begin": begin, "end": end, "strides": strides}, known
    )


def shape_of(node: Operation) -> Translated:
    return Translated("shape", list(node.inputs), {}, list(node.input(0).shape))


def pack(node: Operation) -> Translated:
    axis = node.table("PackOptions").i32(1)
    known: list[int] | None = None
    if node.output().dtype in ("int32", "int64") and len(node.inputs) <= 64:
        parts = [node.integers(i) for i in range(len(node.inputs))]
        if all(p is not None and len(p) == 1 for p in parts):
            known = [p[0] for p in parts if p is not None]
    return Translated("pack", list(node.inputs), {"axis": axis}, known)
