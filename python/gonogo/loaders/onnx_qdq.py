"""QuantizeLinear/DequantizeLinear graphs, grouped as ONNX Runtime's optimiser groups them on x86-64.

A group (every operand dequantised, the result quantised) becomes one operator on quantised tensors. What the runtime
would run in float32 in between stays in float32, except scalar and movement operators: their float32 arithmetic is the
file's, so the integer kernel reproduces it. docs/int8-semantics.md, "ONNX Runtime", lists the rules and how each was
observed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_qlinear import Parameters, Params, dequantize_constant, params_of, quantize_constant
from gonogo.loaders.onnx_shapes import Shapes

_Q, _DQ = "QuantizeLinear", "DequantizeLinear"
# Through these the runtime moves quantisation; Flatten isn't among them.
_PROPAGATE = ("MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice")
# Integer kernels that need one type for operand and result.
_FUSED_ONE_TYPE = ("Conv", "MatMul", "Gemm", "AveragePool", "GlobalAveragePool", "Softmax")
# Float32 arithmetic that the file determines, element by element.
_ELEMENTWISE = ("Add", "Sub", "Mul", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "Concat", "Pad", "MaxPool",
                "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Identity")  # fmt: skip
# On integers these copy: result and operand have one set of parameters.
_COPIES = ("MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Identity", "Dropout")
_DATA_INPUTS = {"Add": 2, "Sub": 2, "Mul": 2, "MatMul": 2, "Conv": 3, "Gemm": 3}


@dataclass
class Qdq:
    """The model while its groups are formed."""

    model: Model
    shapes: Shapes
    parameters: Parameters
    int8_allowed: bool

    def run(self) -> None:
        self.read_parameters()
        self.join_matmul_and_add()
        if self.parameters.of and self.model.overridable:
            raise ModelError(
                f"{self.model.source}: an initializer is listed as an input too, so that the runtime can't treat it as "
                "a constant; remove it from the inputs"
            )
        if not any(n.op in (_Q, _DQ) for n in self.model.nodes):
            return
        self.remove_dropout()
        self.remove_clips()
        self.move_dequantize_down()
        self.move_quantize_up()
        self.signed_to_unsigned()
        self.form_groups()

    # ---- the graph around a node -------------------------------------------------------------------------------------

    def index(self) -> None:
        self.producer = {name: n for n in self.model.nodes for name in n.outputs if name}
        self.consumers: dict[str, list[Node]] = defaultdict(list)
        for n in self.model.nodes:
            for name in n.inputs:
                if name:
                    self.consumers[name].append(n)

    def only_consumer(self, name: str) -> Node | None:
        """The one node that reads a tensor which isn't an output of the model."""
        readers = self.consumers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.model.outputs else None

    def replace_input(self, old: str, new: str) -> None:
        for n in self.model.nodes:
            n.inputs = [new if name == old else name for name in n.inputs]

    def without(self, gone: list[Node]) -> None:
        marks = {id(n) for n in gone}
        self.model.nodes = [n for n in self.model.nodes if id(n) not in marks]
        self.index()

    def insert(self, before: Node, node: Node) -> None:
        at = next(i for i, n in enumerate(self.model.nodes) if n is before)
        self.model.nodes.insert(at, node)

    def fresh(self, base: str) -> str:
        name = base
        while name in self.shapes.of or name in self.model.constants:
            name += "_"
        return name

    # ---- passes, in the runtime's order --------------------------------------------------------------------------------

    def read_parameters(self) -> None:
        """Parameters of every Q output and DQ input, and of what copies integers between them. A Q of a constant is
        folded, as the runtime does."""
        rest = []
        for node in self.model.nodes:
            if node.op not in (_Q, _DQ):
                if node.op in _COPIES and node.input(0) in self.parameters.of:
                    self.parameters.set(node, node.outputs[0], self.parameters.of[node.input(0)])
                rest.append(node)
                continue
            if node.integer("block_size", 0) != 0 or node.integer("output_dtype", 0) not in (0, 2, 3):
                node.fail(UnsupportedOperatorError, "blocks of scales, or another output type")
            axis, data = node.integer("axis", 1), self.model.constants.get(node.input(0))
            if node.op == _DQ:
                self._check_integers(node)
                dtype = str(data.dtype) if data is not None else self._dtype(node.input(0))
                params = params_of(self.model, node, 1, 2, dtype, axis)
                self.parameters.set(node, node.input(0), params)
            else:
                stated = {2: "uint8", 3: "int8"}.get(node.integer("output_dtype", 0))
                params = params_of(self.model, node, 1, 2, stated, axis)
                self.parameters.set(node, node.outputs[0], params)
                if data is not None:
                    self.model.constants[node.outputs[0]] = quantize_constant(node, data, params)
                    continue
            if data is None and not params.per_tensor:
                node.fail(QuantizationError, "an activation with a scale per channel")
            params.quantized(self.shapes.get(node, 0), node.where())
            rest.append(node)
        for node in reversed(rest):
            if node.op in _COPIES and node.outputs[0] in self.parameters.of:
                self.parameters.set(node, node.input(0), self.parameters.of[node.outputs[0]])
        self.model.nodes = rest
        self.index()

    def _check_integers(self, node: Node) -> None:
        name = node.input(0)
        if name not in self.model.constants and self._dtype(name) not in ("int8", "uint8"):
            node.fail(QuantizationError, f"'{name}' isn't an int8 or uint8 tensor")

    def _dtype(self, name: str) -> str:
        for given in self.model.inputs:
            if given.name == name:
                return given.dtype
        return self.parameters.of[name].dtype if name in self.parameters.of else "float32"

    def join_matmul_and_add(self) -> None:
        """A MatMul and its row of biases is one dense layer, to the runtime (for matrices) as to us."""
        gone = []
        for node in self.model.nodes:
            add = self.only_consumer(node.outputs[0])
            if node.op != "MatMul" or node.outputs[0] in self.parameters.of or add is None or add.op != "Add":
                continue
            other = [name for name in add.inputs if name != node.outputs[0]]
            bias = self.model.constants.get(other[0]) if len(other) == 1 else None
            if bias is None or bias.dtype != np.float32 or list(bias.shape) != self.shapes.of[node.outputs[0]][-1:]:
                continue
            if any(name in self.parameters.of for name in (add.outputs[0], *node.inputs)):
                continue
            add.op, add.inputs, add.name = "MatMul", [*node.inputs, other[0]], node.name
            if len(self.shapes.of[add.outputs[0]]) == 2:
                add.op = "Gemm"
            gone.append(node)
        self.without(gone)

    def remove_dropout(self) -> None:
        gone = [n for n in self.model.nodes if n.op in ("Identity", "Dropout") and n.outputs[0] not in self.model.outputs
                and not any(n.outputs[1:]) and n.integer("training_mode", 0) == 0]  # fmt: skip
        for node in gone:
            self.replace_input(node.outputs[0], node.inputs[0])
        self.without(gone)

    def remove_clips(self) -> None:
        """A Relu or Clip in front of a Q that clamps at least as tightly does nothing."""
        gone = []
        for node in self.model.nodes:
            q = self.only_consumer(node.outputs[0])
            before = self.producer.get(node.input(0))
            if node.op not in ("Relu", "Clip") or q is None or q.op != _Q or (before is not None and before.op == _DQ):
                continue
            if self._redundant(node, q):
                self.replace_input(node.outputs[0], node.inputs[0])
                gone.append(node)
                self.index()
        self.without(gone)

    def _redundant(self, node: Node, q: Node) -> bool:
        params = self.parameters.of[q.outputs[0]]
        low, high = np.iinfo(params.dtype).min, np.iinfo(params.dtype).max
        zero, scale = int(params.zero_points[0]), params.scales[0]
        if node.op == "Relu":
            return zero == low
        limits = clip_limits(self.shapes, node)
        with np.errstate(over="ignore"):
            steps = [float(np.rint(np.float32(v) / scale)) for v in limits]
        return steps[0] + zero <= low and steps[1] + zero >= high

    def _pair(self, node: Node, name: str, params: Params, like: Node) -> tuple[Node, Node]:
        """A Q and a DQ that follow `name`."""
        quantised, back = self.fresh(name + "_quantized"), self.fresh(name + "_dequantized")
        q = replace(like, op=_Q, name=quantised, inputs=[name, *like.inputs[1:]], outputs=[quantised], attributes={})
        dq = replace(like, op=_DQ, name=back, inputs=[quantised, *like.inputs[1:]], outputs=[back], attributes={})
        self.parameters.set(node, quantised, params)
        self.shapes.of[quantised] = self.shapes.of[back] = self.shapes.of[name]
        return q, dq

    def _moves(self, node: Node) -> bool:
        return node.op in _PROPAGATE and (node.op != "MaxPool" or self.model.opset >= 12)

    def move_dequantize_down(self) -> None:
        """DQ -> move -> x becomes DQ -> move -> Q -> DQ -> x, again and again."""
        for dq in [n for n in self.model.nodes if n.op == _DQ and n.inputs[0] not in self.model.constants]:
            params, current = self.parameters.of[dq.inputs[0]], dq
            while True:
                mover = self.only_consumer(current.outputs[0])
                if mover is None or not self._moves(mover) or mover.inputs[0] != current.outputs[0]:
                    break
                result = mover.outputs[0]
                readers = self.consumers.get(result, [])
                if any(r.op == _Q for r in readers) or (not readers and result not in self.model.outputs):
                    break
                if readers and result in self.model.outputs:
                    break
                q, back = self._pair(mover, result, params, dq)
                if readers:
                    self.replace_input(result, back.outputs[0])
                else:  # the model's output keeps its name
                    inner = self.fresh(result + "_moved")
                    self.shapes.of[inner] = self.shapes.of[result]
                    mover.outputs, q.inputs[0], back.outputs = [inner], inner, [result]
                at = next(i for i, n in enumerate(self.model.nodes) if n is mover)
                self.model.nodes[at + 1 : at + 1] = [q, back]
                self.index()
                current = back

    def move_quantize_up(self) -> None:
        """x -> move -> Q becomes x -> Q -> DQ -> move -> Q."""
        for q in [n for n in self.model.nodes if n.op == _Q]:
            params, current = self.parameters.of[q.outputs[0]], q
            while True:
                mover = self.producer.get(current.inputs[0])
                if mover is None or not self._moves(mover) or self.only_consumer(mover.outputs[0]) is not current:
                    break
                name = mover.inputs[0]
                before = self.producer.get(name)
                if (before is not None and before.op == _DQ) or name in self.model.constants:
                    break
                if self.only_consumer(name) is not mover:
                    break
                upper, back = self._pair(mover, name, params, q)
                mover.inputs[0] = back.outputs[0]
                at = next(i for i, n in enumerate(self.model.nodes) if n is mover)
                self.model.nodes[at:at] = [upper, back]
                self.index()
                current = upper

    def signed_to_unsigned(self) -> None:
        """On x86-64 the runtime makes an int8 tensor between one Q and one DQ uint8, both zero points stated."""
        if self.int8_allowed:
            return
        for q in [n for n in self.model.nodes if n.op == _Q]:
            name = q.outputs[0]
            params = self.parameters.of[name]
            dq = self.only_consumer(name)
            if params.dtype != "int8" or dq is None or dq.op != _DQ or not (q.input(2) and dq.input(2)):
                continue
            # A DQ with several readers is duplicated first, and then Q has several readers.
            if len(self.consumers.get(dq.outputs[0], [])) + (dq.outputs[0] in self.model.outputs) != 1:
                continue
            self.parameters.of[name] = replace(params, dtype="uint8", zero_points=params.zero_points + 128)

    # ---- groups ----------------------------------------------------------------------------------------------------------

    def form_groups(self) -> None:
        gone: list[Node] = []
        for node in list(self.model.nodes):
            if node.op in (_Q, _DQ):
                continue
            if node.op == "ArgMax":
                dq = self.producer.get(node.input(0))
                if dq is not None and dq.op == _DQ:
                    node.inputs[0] = dq.inputs[0]
                continue
            q = self.only_consumer(node.outputs[0])
            if q is None or q.op != _Q or any(node.outputs[1:]):
                continue
            inputs = self._operands(node, q)
            if inputs is not None:
                node.inputs, node.outputs = inputs, [q.outputs[0]]
                gone.append(q)
        self.without(gone)
        self.drop_unused()

    def _operands(self, node: Node, q: Node) -> list[str] | None:
        """The quantised operands of a group, or None when the node stays in float32."""
        data = len(node.inputs) if node.op == "Concat" else _DATA_INPUTS.get(node.op, 1)
        names = list(node.inputs)
        params: list[Params] = []
        for i in range(min(data, len(names))):
            if not names[i]:
                continue
            dq = self.producer.get(names[i])
            if dq is None or dq.op != _DQ:
                if i == 2 and node.op in ("Conv", "Gemm") and len(params) == 2:
                    bias = self._quantised_bias(node, names[i], params[0], params[1])
                    if bias is None:
                        return None
                    names[i] = bias
                    continue
                return None
            names[i] = dq.inputs[0]
            params.append(self.parameters.of[names[i]])
        out = self.parameters.of[q.outputs[0]]
        return names if params and self._fuses(node, params, out) else None

    def _fuses(self, node: Node, params: list[Params], out: Params) -> bool:
        x = params[0]
        if node.op in ("Conv", "MatMul", "Gemm"):
            if len(params) < 2 or x.dtype != out.dtype or (x.dtype == "int8" and params[1].dtype != "int8"):
                return False
            if x.dtype == "int8" and node.op != "Gemm" and not self.int8_allowed:
                return False
            if node.op == "Gemm" and (node.number("alpha", 1.0) != 1.0 or node.number("beta", 1.0) != 1.0):
                return False
            return len(params) < 3 or params[2].dtype == "int32"
        if node.op in _FUSED_ONE_TYPE:
            return x.dtype == out.dtype
        if node.op not in _ELEMENTWISE:
            return False
        return all(p.dtype in ("int8", "uint8") and p.per_tensor for p in params)

    def _quantised_bias(self, node: Node, name: str, x: Params, w: Params) -> str | None:
        """A float32 bias is quantised by the runtime: round(b / fl32(s_x s_w)), in float32."""
        values = self.model.constants.get(name)
        if values is None or values.dtype != np.float32 or values.ndim != 1:
            return None
        scales = (x.scales[0] * w.scales).astype(np.float32)
        if len(scales) not in (1, len(values)) or not bool(np.isfinite(values).all()) or not bool((scales > 0).all()):
            return None
        steps = np.rint(values / scales)
        if not bool((np.abs(steps) < 2147483648.0).all()):
            node.fail(QuantizationError, f"bias '{name}' leaves int32 at the scale of the accumulator")
        quantised = self.fresh(name + "_quantized")
        self.model.constants[quantised] = steps.astype(np.int32)
        self.parameters.set(node, quantised, Params(scales, np.zeros(len(scales), np.int64), "int32", 0))
        return quantised

    def drop_unused(self) -> None:
        """Removes DQ and Q nodes that nothing reads any more."""
        while True:
            gone = [n for n in self.model.nodes if n.op in (_Q, _DQ) and n.outputs[0] not in self.model.outputs
                    and not self.consumers.get(n.outputs[0])]  # fmt: skip
            if not gone:
                return
            self.without(gone)


def dequantize_constants(model: Model, parameters: Parameters) -> None:
    """DQ nodes of constants that a float32 operator reads: the constant in float32."""
    rest = []
    for node in model.nodes:
        values = model.constants.get(node.input(0)) if node.op == _DQ else None
        if values is None:
            rest.append(node)
        else:
            model.constants[node.outputs[0]] = dequantize_constant(node, values, parameters.of[node.input(0)])
    model.nodes = rest


def clip_limits(shapes: Shapes, node: Node) -> tuple[float, float]:
    """The limits of a Clip, infinite when absent."""
    limits = []
    for i, key, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        if shapes.model.opset < 11:
            value = node.attributes.get(key, default)
        else:
            given = shapes.constant(node, i)
            if given is not None and (given.size != 1 or given.dtype != np.float32):
                node.fail(ModelError, f"{key} must be one float32 number")
            value = default if given is None else float(given.reshape(-1)[0])
        if not isinstance(value, float) or np.isnan(value):
            node.fail(ModelError, f"{key} is {value}")
        limits.append(float(value))
    if limits[0] > limits[1]:
        node.fail(UnsupportedOperatorError, f"min {limits[0]} above max {limits[1]}")
    return limits[0], limits[1]


__all__ = ["Qdq", "clip_limits", "dequantize_constants"]
