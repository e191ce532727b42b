"""ONNX protobuf to a plain list of nodes and constants, with every count and size checked.

Nothing here knows an operator. External data is refused: a model is one file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gonogo.errors import GonogoError, ModelError, ShapeError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders import common
from gonogo.loaders.onnx_tensor import DTYPES, FOUR_BIT, OTHER_DTYPES, Array, tensor_values

# Operator sets whose meaning this loader knows. Before 7 broadcasting was an attribute.
MIN_OPSET, MAX_OPSET = 7, 28
MICROSOFT = "com.microsoft"


@dataclass
class Node:
    """One node of the file, or one that stands for a quantised group."""

    index: int
    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""
    source: str = ""

    def where(self) -> str:
        label = f"{self.domain}.{self.op}" if self.domain else self.op
        return f"{self.source}: node {self.index} '{self.name}' ({label})"

    def fail(self, error: type[GonogoError], what: str) -> NoReturn:
        raise error(f"{self.where()}: {what}")

    def input(self, i: int) -> str:
        """Name of input i; empty when it is left out."""
        return self.inputs[i] if i < len(self.inputs) else ""

    def integer(self, key: str, default: int) -> int:
        value = self.attributes.get(key, default)
        if not isinstance(value, int):
            self.fail(ModelError, f"attribute '{key}' must be an integer")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.attributes.get(key, default)
        if not isinstance(value, float):
            self.fail(ModelError, f"attribute '{key}' must be a number")
        if not math.isfinite(value):
            self.fail(ModelError, f"attribute '{key}' is {value}")
        return value

    def text(self, key: str, default: str) -> str:
        value = self.attributes.get(key, default)
        if not isinstance(value, str):
            self.fail(ModelError, f"attribute '{key}' must be a text")
        return value

    def integers(self, key: str, default: list[int] | None = None) -> list[int] | None:
        value = self.attributes.get(key, default)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
            self.fail(ModelError, f"attribute '{key}' must be a list of integers")
        return value


@dataclass(frozen=True)
class Input:
    name: str
    dtype: str
    shape: list[int]


@dataclass
class Model:
    source: str
    opset: int
    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[Input]
    outputs: list[str]
    overridable: bool = False  # an initializer is also an input, so the runtime may not treat it as constant
    four_bit: dict[str, str] = field(default_factory=dict)  # constants of type int4 and uint4

    def element_type(self, constant: str) -> str:
        """What the file says of a constant; `constants` holds int4 and uint4 as int8."""
        return self.four_bit.get(constant, str(self.constants[constant].dtype))


def read_model(data: bytes, source: str) -> Model:
    """Parses the protobuf message."""
    import onnx  # on demand: importing gonogo must stay quick

    try:
        proto = onnx.ModelProto.FromString(data)
    except Exception as error:  # the parser raises its own types, which differ between protobuf versions
        raise ModelError(f"{source}: not an ONNX file, or damaged: {type(error).__name__}") from None
    if not proto.HasField("graph"):
        raise ModelError(f"{source}: not an ONNX file, or damaged: it holds no graph")
    opset = _opset(proto, source)
    graph = proto.graph
    _check_names(graph, source)
    if len(graph.node) > common.MAX_NODES:
        raise ModelError(f"{source}: {len(graph.node)} nodes; at most {common.MAX_NODES} are read")
    if len(graph.sparse_initializer) > 0:
        raise UnsupportedTypeError(
            f"{source}: sparse initializers aren't supported; save the model with dense ones"
        )
    if len(graph.initializer) > common.MAX_TENSORS:
        raise ModelError(
            f"{source}: {len(graph.initializer)} initializers; at most {common.MAX_TENSORS} are read"
        )
    constants: dict[str, Array] = {}
    four_bit: dict[str, str] = {}
    total = 0
    for tensor in graph.initializer:
        where = f"{source}: initializer '{tensor.name}'"
        if not tensor.name or tensor.name in constants:
            raise ModelError(f"{where}: the name is empty or given twice")
        constants[tensor.name] = tensor_values(tensor, where)
        total += constants[tensor.name].size
        if tensor.data_type in FOUR_BIT:
            four_bit[tensor.name] = FOUR_BIT[tensor.data_type]
    if total > common.MAX_TOTAL_ELEMENTS:
        raise ModelError(f"{source}: {total} constant elements; at most {common.MAX_TOTAL_ELEMENTS} are read")
    inputs = [_input(v, source) for v in graph.input if v.name not in constants]
    if len({v.name for v in inputs}) != len(inputs):
        raise ModelError(f"{source}: two inputs have one name")
    nodes = _nodes(graph, source, constants)
    outputs = [v.name for v in graph.output]
    _check_order(source, nodes, constants, inputs, outputs)
    overridable = proto.ir_version >= 4 and any(v.name in constants for v in graph.input)
    return Model(source, opset, nodes, constants, inputs, outputs, overridable, four_bit)


def _check_names(graph: Any, source: str) -> None:
    """Names end up in errors and reports, one line each."""
    groups = [graph.initializer, graph.input, graph.output, graph.node]
    names = [item.name for group in groups for item in group]
    for node in graph.node:
        names += [node.op_type, node.domain, *node.input, *node.output]
    for name in names:
        if len(name) > common.MAX_NAME or not name.isprintable():
            raise ModelError(
                f"{source}: the name {name[:40]!a} is longer than {common.MAX_NAME} or not printable"
            )


def _opset(proto: Any, source: str) -> int:
    for entry in proto.opset_import:
        if entry.domain in ("", "ai.onnx"):
            if not MIN_OPSET <= entry.version <= MAX_OPSET:
                raise UnsupportedOperatorError(
                    f"{source}: operator set {entry.version}; {MIN_OPSET} to {MAX_OPSET} are supported, convert the "
                    "model with onnx.version_converter"
                )
            return int(entry.version)
    if any(node.domain in ("", "ai.onnx") for node in proto.graph.node):
        raise ModelError(f"{source}: the model doesn't say which operator set it uses")
    return 13


def _input(value: Any, source: str) -> Input:
    where = f"{source}: input '{value.name}'"
    if not value.name or not value.type.HasField("tensor_type"):
        raise ModelError(f"{where}: isn't a named tensor")
    tensor = value.type.tensor_type
    dtype = DTYPES.get(tensor.elem_type)
    if dtype is None:
        name = (OTHER_DTYPES | FOUR_BIT).get(tensor.elem_type, f"number {tensor.elem_type}")
        raise UnsupportedTypeError(f"{where}: element type {name} isn't supported")
    if not tensor.HasField("shape"):
        raise ShapeError(f"{where}: has no shape; fix it with onnxruntime.tools.make_dynamic_shape_fixed")
    shape = []
    for i, dim in enumerate(tensor.shape.dim):
        if dim.HasField("dim_value") and dim.dim_value > 0:
            shape.append(dim.dim_value)
        elif i == 0 and (not dim.HasField("dim_value") or dim.dim_value <= 0):
            shape.append(1)  # the batch
        else:
            label = dim.dim_param if dim.HasField("dim_param") else "unknown"
            raise ShapeError(
                f"{where}: dimension {i} is {label!r}; only the batch may be symbolic, fix the others with "
                "onnxruntime.tools.make_dynamic_shape_fixed"
            )
    return Input(value.name, dtype, common.checked_shape(shape, where))


def _attribute(attribute: Any, where: str) -> Any:
    kind = attribute.type
    if attribute.ref_attr_name:
        raise ModelError(
            f"{where}: attribute '{attribute.name}' refers to a function's; inline the functions first"
        )
    if kind == 1:
        return float(attribute.f)
    if kind == 2:
        return int(attribute.i)
    if kind == 3:
        return attribute.s.decode("utf-8", "replace")
    if kind == 4:
        if attribute.t.data_type in FOUR_BIT:
            raise UnsupportedTypeError(
                f"{where}: attribute '{attribute.name}' holds {FOUR_BIT[attribute.t.data_type]} values; keep them in "
                "an initializer"
            )
        return tensor_values(attribute.t, f"{where}: attribute '{attribute.name}'")
    if kind == 6:
        return [float(v) for v in attribute.floats]
    if kind == 7:
        return [int(v) for v in attribute.ints]
    return None  # graphs and the like: the operators that have them aren't supported


def _nodes(graph: Any, source: str, constants: dict[str, Array]) -> list[Node]:
    nodes = []
    for index, proto in enumerate(graph.node):
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        name = proto.name or (proto.output[0] if len(proto.output) > 0 else "")
        node = Node(index, proto.op_type, name, list(proto.input), list(proto.output), {}, domain, source)
        for attribute in proto.attribute:
            if attribute.name in node.attributes:
                node.fail(ModelError, f"attribute '{attribute.name}' is given twice")
            node.attributes[attribute.name] = _attribute(attribute, node.where())
        if len(node.inputs) > common.MAX_TENSORS or not node.outputs or not node.outputs[0]:
            node.fail(ModelError, "no output, or too many inputs")
        nodes.append(node)
    return nodes


def _check_order(
    source: str, nodes: list[Node], constants: dict[str, Array], inputs: list[Input], outputs: list[str]
) -> None:
    """Every name is written once, and before it is read: no cycles, no dangling names."""
    known = set(constants) | {v.name for v in inputs}
    for node in nodes:
        for name in node.inputs:
            if name and name not in known:
                node.fail(
                    ModelError,
                    f"reads '{name}', which no earlier node computes; nodes must be in execution order",
                )
        for name in node.outputs:
            if name and name in known:
                node.fail(ModelError, f"writes '{name}', which exists already")
            if name:
                known.add(name)
    if not outputs:
        raise ModelError(f"{source}: the model has no output")
    for name in outputs:
        if name not in known:
            raise ModelError(f"{source}: output '{name}' is computed by no node")
    if len(set(outputs)) != len(outputs):
        raise ModelError(f"{source}: two outputs have one name")
