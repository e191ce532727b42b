"""QuantizeLinear/DequantizeLinear graphs, grouped as ONNX Runtime's optimiser groups them on x86-64.

A group (every operand dequantised, the result quantised) becomes one operator on quantised tensors. What the runtime
would run in float32 in between stays in float32, except scalar and movement operators: their float32 arithmetic is the
file's, so the integer kernel reproduces it. docs/int8-semantics.md, "ONNX Runtime", lists the rules and how each was
observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_qlinear import Parameters, Params, dequantize_constant, params_of, quantize_constant
from gonogo.loaders.onnx_rewrite import DQ, Q, Rewriter

# Integer kernels that need one type for operand and result.
_FUSED_ONE_TYPE = ("Conv", "MatMul", "Gemm", "AveragePool", "GlobalAveragePool", "Softmax")
# Float32 arithmetic that the file determines, element by element.
_ELEMENTWISE = ("Add", "Sub", "Mul", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "Concat", "Pad", "MaxPool",
                "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Identity")  # fmt: skip
# On integers these copy: result and operand have one set of parameters.
_COPIES = (
    "MaxPool",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Slice",
    "Identity",
    "Dropout",
)
_DATA_INPUTS = {"Add": 2, "Sub": 2, "Mul": 2, "MatMul": 2, "Conv": 3, "Gemm": 3}


@dataclass
class Qdq(Rewriter):
    """The model while its groups are formed."""

    def run(self) -> None:
        self.read_parameters()
        self.join_matmul_and_add()
        if self.parameters.of and self.model.overridable:
            raise ModelError(
                f"{self.model.source}: an initializer is listed as an input too, so that the runtime can't treat it as "
                "a constant; remove it from the inputs"
            )
        if not any(n.op in (Q, DQ) for n in self.model.nodes):
            return
        self.remove_dropout()
        self.remove_clips()
        self.move_dequantize_down()
        self.move_quantize_up()
        self.signed_to_unsigned()
        self.form_groups()

    # ---- passes, in the runtime's order ----

    def read_parameters(self) -> None:
        """Parameters of every Q output and DQ input, and of what copies integers between them. A Q of a constant is
        folded, as the runtime does."""
        rest = []
        for node in self.model.nodes:
            if node.op not in (Q, DQ):
                if node.op in _COPIES and node.input(0) in self.parameters.of:
                    self.parameters.set(node, node.outputs[0], self.parameters.of[node.input(0)])
                rest.append(node)
                continue
            if node.integer("block_size", 0) != 0 or node.integer("output_dtype", 0) not in (0, 2, 3):
                node.fail(UnsupportedOperatorError, "blocks of scales, or another output type")
            axis, data = node.integer("axis", 1), self.model.constants.get(node.input(0))
            if node.op == DQ:
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

    # ---- groups ----

    def form_groups(self) -> None:
        gone: list[Node] = []
        for node in list(self.model.nodes):
            if node.op == Q:
                # From integers to integers; unless nothing changes the runtime merges such pairs in ways of its own,
                # and the integer kernel refuses them.
                before = self.producer.get(node.input(0))
                if before is not None and before.op == DQ:
                    node.inputs[0] = before.inputs[0]
            if node.op in (Q, DQ):
                continue
            if node.op == "ArgMax":
                dq = self.producer.get(node.input(0))
                if dq is not None and dq.op == DQ:
                    node.inputs[0] = dq.inputs[0]
                continue
            q = self.only_consumer(node.outputs[0])
            if q is None or q.op != Q or any(node.outputs[1:]):
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
            if dq is None or dq.op != DQ:
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
            if node.op == "MatMul" and node.input(2):
                return False  # a joined bias of more than two dimensions: the runtime's Gemm has two
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
        with np.errstate(all="ignore"):
            scales = (x.scales[0] * w.scales).astype(np.float32)
            steps = np.rint(values / scales) if len(scales) in (1, len(values)) else None
        if steps is None or not bool(np.isfinite(values).all()) or not bool((scales > 0).all()):
            return None
        if not bool((np.abs(steps) < 2147483648.0).all()):
            node.fail(QuantizationError, f"bias '{name}' leaves int32 at the scale of the accumulator")
        quantised = self.fresh(name + "_quantized")
        self.model.constants[quantised] = steps.astype(np.int32)
        self.parameters.set(node, quantised, Params(scales, np.zeros(len(scales), np.int64), "int32", 0))
        return quantised

    def drop_unused(self) -> None:
        """Removes DQ and Q nodes that nothing reads any more."""
        while True:
            gone = [n for n in self.model.nodes if n.op in (Q, DQ) and n.outputs[0] not in self.model.outputs
                    and not self.consumers.get(n.outputs[0])]  # fmt: skip
            if not gone:
                return
            self.without(gone)


def dequantize_constants(model: Model, parameters: Parameters) -> None:
    """DQ nodes of constants that a float32 operator reads: the constant in float32."""
    rest = []
    for node in model.nodes:
        values = model.constants.get(node.input(0)) if node.op == DQ else None
        if values is None:
            rest.append(node)
        else:
            model.constants[node.outputs[0]] = dequantize_constant(node, values, parameters.of[node.input(0)])
    model.nodes = rest
