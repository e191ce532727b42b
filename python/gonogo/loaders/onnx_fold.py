"""Constants that a file computes: shape arithmetic and movement, folded as the runtime does.

Float arithmetic on constants is folded only where float32 doesn't round: a loader must not change the network. The
exceptions are QuantizeLinear and DequantizeLinear, whose float32 result on constants is what the deployed runtime uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gonogo.errors import GonogoError, ModelError, ShapeError, UnsupportedOperatorError
from gonogo.loaders import common
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_tensor import DTYPES, Array

_MAX_INTEGER = 1 << 53


def fold(model: Model, shapes: Callable[[str], list[int] | None]) -> None:
    """Replaces nodes of constants by constants. `shapes` gives the shape of an activation, for Shape and Size."""
    rest = []
    for node in model.nodes:
        values = fold_node(model, node, shapes)
        if values is None:
            rest.append(node)
        else:
            model.constants[node.outputs[0]] = values
    model.nodes = rest


def fold_node(model: Model, node: Node, shapes: Callable[[str], list[int] | None]) -> Array | None:
    """The node's value if it is known from the file alone."""
    if node.domain or (node.op not in _FOLDERS and node.op not in ("Constant", "Shape", "Size")):
        return None
    if any(node.outputs[1:]):
        return None
    if node.op == "Constant":
        return _constant(node)
    if node.op in ("Shape", "Size"):
        return _shape(model, node, shapes)
    inputs = [model.constants.get(name) if name else None for name in node.inputs]
    if not node.inputs or any(
        name and value is None for name, value in zip(node.inputs, inputs, strict=False)
    ):
        return None
    try:
        with np.errstate(all="ignore"):
            result = _FOLDERS[node.op](node, inputs, model.opset)
    except GonogoError:
        raise
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        node.fail(ModelError, f"its constants can't be computed: {error}")
    if result is not None:
        common.checked_shape(list(result.shape), node.where())
    return result


def _constant(node: Node) -> Array:
    given = [(k, v) for k, v in node.attributes.items() if k.startswith("value")]
    key, value = given[0] if len(given) == 1 else ("", None)
    if key == "value" and isinstance(value, np.ndarray):
        return value
    dtype = {
        "value_float": np.float32,
        "value_floats": np.float32,
        "value_int": np.int64,
        "value_ints": np.int64,
    }.get(key)
    if dtype is None:
        node.fail(UnsupportedOperatorError, "a constant that isn't one dense tensor")
    return np.array(value, dtype)


def _shape(model: Model, node: Node, shapes: Callable[[str], list[int] | None]) -> Array | None:
    name = node.input(0)
    shape = list(model.constants[name].shape) if name in model.constants else shapes(name)
    if shape is None:
        return None
    if node.op == "Size":
        return np.array(math.prod(shape), np.int64)
    start, end = node.integer("start", 0), node.integer("end", len(shape))
    return np.array(shape[start:end], np.int64)


def _integers(node: Node, value: Array | None, what: str) -> list[int]:
    if value is None or value.dtype.kind not in "iu" or value.ndim > 1:
        node.fail(ModelError, f"{what} must be a list of integers")
    return [int(v) for v in value.reshape(-1)]


def exact_float32(node: Node, value: Array) -> Array:
    """binary64 values that are float32 numbers already; anything else would be a rounded weight."""
    narrow = value.astype(np.float32)
    if not bool((narrow.astype(np.float64) == value).all()):
        node.fail(
            UnsupportedOperatorError,
            "arithmetic on constants that float32 would round; fold it when exporting (onnxsim, or onnxruntime's "
            "basic optimisation) so that the file holds the weights you mean",
        )
    return narrow


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Node, list[Any], int], Array]:
    def folded(node: Node, inputs: list[Any], opset: int) -> Array:
        a, b = inputs
        if a.dtype != b.dtype:
            node.fail(ModelError, f"operands of type {a.dtype} and {b.dtype}")
        common.checked_shape(list(np.broadcast_shapes(a.shape, b.shape)), node.where())
        if a.dtype == np.float32:
            wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
            wide = operation(wide_a, wide_b)
            if not _is_exact(node.op, wide_a, wide_b, wide):
                wide = np.full_like(wide, np.pi)  # anything that float32 rounds
            return exact_float32(node, wide)
        if a.dtype.kind not in "iu" or max(_reach(a), _reach(b)) > 1 << 26:
            node.fail(UnsupportedOperatorError, f"arithmetic on {a.dtype} constants of this size")
        if node.op == "Div" and bool((b == 0).any()):
            node.fail(ModelError, "divides by zero")
        result: Array = np.asarray(operation(a.astype(np.int64), b.astype(np.int64))).astype(a.dtype)
        return result

    return folded


def _is_exact(op: str, a: Array, b: Array, result: Array) -> bool:
    """Whether binary64 held the result of two float32 operands.

    Products always fit its 53 bits. Of a sum s, the difference to the larger operand is computed exactly, so s is
    exact if both differences give back the other operand. A quotient is exact if its product with the divisor is the
    dividend.
    """
    if op == "Mul":
        return True
    if op == "Div":
        return bool((result * b == a).all())
    other = b if op == "Add" else -b
    return bool(((result - a == other) & (result - other == a)).all())


def _reach(a: Array) -> int:
    return int(np.abs(a.astype(np.float64)).max()) if a.size else 0


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(np.divide(a, b))
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)))


def _cast(node: Node, inputs: list[Any], opset: int) -> Array:
    target = DTYPES.get(node.integer("to", 0))
    x: Array = inputs[0]
    if target is None:
        node.fail(UnsupportedOperatorError, f"a cast to type number {node.integer('to', 0)}")
    if x.size and x.dtype.kind in "iuf" and float(np.abs(x.astype(np.float64)).max()) > _MAX_INTEGER:
        node.fail(UnsupportedOperatorError, "a cast of such large numbers")
    cast = x.astype(target)
    if bool((cast.astype(np.float64) != x.astype(np.float64)).any()):
        node.fail(UnsupportedOperatorError, f"a cast to {target} that changes the constant")
    return cast


def _reshape(node: Node, inputs: list[Any], opset: int) -> Array:
    x, target = inputs
    result: Array = x.reshape(resolve_shape(node, list(x.shape), _integers(node, target, "the shape")))
    return result


def resolve_shape(node: Node, shape: list[int], target: list[int]) -> list[int]:
    """Reshape's target with 0 (copy) and -1 (the rest) filled in."""
    keep_zero = node.integer("allowzero", 0) != 0
    out = []
    for i, d in enumerate(target):
        copied = d == 0 and not keep_zero
        if copied and i >= len(shape):
            node.fail(ShapeError, f"shape {target} copies dimension {i} of an input of rank {len(shape)}")
        out.append(shape[i] if copied else d)
    if any(d < -1 for d in out) or out.count(-1) > 1:
        node.fail(ShapeError, f"shape {target} isn't one")
    total = math.prod(shape)
    if -1 in out:
        rest = math.prod(d for d in out if d != -1)
        if rest == 0 or total % rest != 0:
            node.fail(ShapeError, f"{total} elements don't fit shape {target}")
        out[out.index(-1)] = total // rest
    if math.prod(out) != total:
        node.fail(ShapeError, f"{total} elements don't fit shape {target}")
    return common.checked_shape(out, node.where())


def axes_of(node: Node, inputs: list[Any], rank: int) -> list[int] | None:
    """Axes from the second input (a constant) or the attribute, made non-negative; None when not given."""
    axes = node.integers("axes")
    if len(inputs) > 1 and inputs[1] is not None:
        axes = _integers(node, inputs[1], "axes")
    if axes is None:
        return None
    if any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes if rank}) != len(axes):
        node.fail(ShapeError, f"axes {axes} don't fit rank {rank}")
    return [a % rank for a in axes]


def squeezed(node: Node, shape: list[int], inputs: list[Any]) -> list[int]:
    axes = axes_of(node, inputs, len(shape))
    if axes is None:
        return [d for d in shape if d != 1]
    if any(shape[a] != 1 for a in axes):
        node.fail(ShapeError, f"axes {axes} of shape {shape} can't be removed")
    return [d for i, d in enumerate(shape) if i not in axes]


def unsqueezed(node: Node, shape: list[int], inputs: list[Any]) -> list[int]:
    given = node.integers("axes")
    count = (
        len(given)
        if given is not None
        else (inputs[1].size if len(inputs) > 1 and inputs[1] is not None else 0)
    )
    if len(shape) + count > common.MAX_RANK:
        node.fail(ShapeError, "too many dimensions")
    axes = axes_of(node, inputs, len(shape) + count)
    if axes is None:
        node.fail(ModelError, "axes are missing")
    rest = iter(shape)
    return [1 if i in axes else next(rest) for i in range(len(shape) + count)]


def flattened(node: Node, shape: list[int]) -> list[int]:
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        node.fail(ShapeError, f"axis {axis} doesn't fit rank {len(shape)}")
    axis = axis + len(shape) if axis < 0 else axis
    return [math.prod(shape[:axis]), math.prod(shape[axis:])]


def _concat(node: Node, inputs: list[Any], opset: int) -> Array:
    if len({i.dtype for i in inputs}) > 1:
        node.fail(ModelError, "parts of different types")
    return np.concatenate(inputs, axis=node.integer("axis", 0))


def _gather(node: Node, inputs: list[Any], opset: int) -> Array:
    x, indices = inputs
    if indices.dtype.kind not in "iu":
        node.fail(ModelError, "indices must be integers")
    common.checked_shape(list(x.shape[1:]) + list(indices.shape), node.where())
    if x.size * max(indices.size, 1) > common.MAX_ELEMENTS:
        node.fail(ShapeError, "too many elements")
    return np.asarray(np.take(x, indices.astype(np.int64), axis=node.integer("axis", 0)))


def slices_of(node: Node, inputs: list[Any], shape: list[int], *, backwards: bool = False) -> list[slice]:
    """One normalised slice per dimension; steps below zero only if `backwards`."""
    if len(inputs) >= 3:
        starts, ends = _integers(node, inputs[1], "starts"), _integers(node, inputs[2], "ends")
        axes = _integers(node, inputs[3], "axes") if len(inputs) > 3 and inputs[3] is not None else None
        steps = _integers(node, inputs[4], "steps") if len(inputs) > 4 and inputs[4] is not None else None
    else:
        starts, ends = node.integers("starts") or [], node.integers("ends") or []
        axes, steps = node.integers("axes"), None
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        node.fail(ModelError, "starts, ends, axes and steps differ in length")
    out = [slice(0, d, 1) for d in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=False):
        if not -len(shape) <= axis < len(shape) or step == 0 or (step < 0 and not backwards):
            node.fail(
                UnsupportedOperatorError, f"axis {axis}, step {step}: only existing axes and positive steps"
            )
        first, last, _ = slice(start, end, step).indices(shape[axis])
        out[axis] = slice(first, last if last >= 0 else None, step)  # going backwards, -1 is before the first
    return out


def _slice(node: Node, inputs: list[Any], opset: int) -> Array:
    """Backwards too: torch turns the list of a padding around so."""
    x: Array = inputs[0]
    return np.ascontiguousarray(x[tuple(slices_of(node, inputs, list(x.shape), backwards=True))])


def _constant_of_shape(node: Node, inputs: list[Any], opset: int) -> Array:
    shape = common.checked_shape(_integers(node, inputs[0], "the shape"), node.where())
    value = node.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        node.fail(ModelError, "attribute 'value' must hold one element")
    return np.full(shape, value.reshape(-1)[0], value.dtype)


def _transpose(node: Node, inputs: list[Any], opset: int) -> Array:
    return np.ascontiguousarray(np.transpose(inputs[0], node.integers("perm")))


_FOLDERS: dict[str, Callable[[Node, list[Any], int], Array | None]] = {
    "Identity": lambda node, i, opset: i[0],
    "Cast": _cast,
    "Reshape": _reshape,
    "Flatten": lambda node, i, opset: i[0].reshape(flattened(node, list(i[0].shape))),
    "Squeeze": lambda node, i, opset: i[0].reshape(squeezed(node, list(i[0].shape), i)),
    "Unsqueeze": lambda node, i, opset: i[0].reshape(unsqueezed(node, list(i[0].shape), i)),
    "Transpose": _transpose,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "ConstantOfShape": _constant_of_shape,
    "Add": _arithmetic(lambda a, b: a + b),
    "Sub": _arithmetic(lambda a, b: a - b),
    "Mul": _arithmetic(lambda a, b: a * b),
    "Div": _arithmetic(_divide),
}
