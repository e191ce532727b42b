"""QuantizeLinear/DequantizeLinear graphs, grouped as ONNX Runtime's optimiser groups them on x86-64.

A group (every operand dequantised, the result quantised) becomes one operator on quantised tensors. What the runtime
would run in float32 in between stays in float32, except scalar and movement operators: their float32 arithmetic is the
file's, so the integer kernel reproduces it. docs/int8-semantics.md, "ONNX Runtime", lists the rules and how each was
observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gonogo.errors import ModelError, QuantizationError, UnsupportedOperatorError, UnsupportedTypeError
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_qlinear import Parameters, Params, dequantize_constant, params_of, quantize_constant
from gonogo.loaders.onnx_rewrite import DQ, Q, Rewriter
from gonogo.loaders.onnx_tensor import FOUR_BIT

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
# QuantizeLinear's attribute output_dtype; 0: the zero point's type.
_OUTPUT_TYPES = {0: None, 2: "uint8", 3: "int8", **FOUR_BIT}
# Weights that stay integers, with their scales, where a float32 layer reads them.
_WEIGHTED = ("MatMul", "Gemm", "Conv")
_WEIGHT_TYPES = ("int4", "uint4", "int8", "uint8")
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
            axis, data = node.integer("axis", 1), self.model.constants.get(node.input(0))
            block = self._checked_block(node, data is not None)
            if node.op == DQ:
                self._check_integers(node)
                dtype = (
                    self.model.element_type(node.input(0)) if data is not None else self._dtype(node.input(0))
                )
                params = params_of(self.model, node, 1, 2, dtype, axis, block)
                self.parameters.set(node, node.input(0), params)
            else:
                stated = _OUTPUT_TYPES[node.integer("output_dtype", 0)]
                params = params_of(self.model, node, 1, 2, stated, axis)
                self.parameters.set(node, node.outputs[0], params)
                if data is not None:
                    self.model.constants[node.outputs[0]] = quantize_constant(node, data, params)
                    if params.dtype in FOUR_BIT.values():
                        self.model.four_bit[node.outputs[0]] = params.dtype
                    continue
                if params.dtype in FOUR_BIT.values():
                    node.fail(
                        UnsupportedTypeError,
                        f"an {params.dtype} activation; only constants can be {params.dtype}, quantise to int8",
                    )
            if data is None and not params.per_tensor:
                node.fail(QuantizationError, "an activation with a scale per channel")
            params.quantized(self.shapes.get(node, 0), node.where())
            rest.append(node)
        for node in reversed(rest):
            if node.op in _COPIES and node.outputs[0] in self.parameters.of:
                self.parameters.set(node, node.input(0), self.parameters.of[node.outputs[0]])
        self.model.nodes = rest
        self.index()

    def _checked_block(self, node: Node, constant: bool) -> int:
        """Attribute 'block_size': 0, or the length of the blocks that share a scale."""
        known = _OUTPUT_TYPES if node.op == Q else (0, 1)
        if node.integer("output_dtype", 0) not in known:
            node.fail(UnsupportedOperatorError, f"output_dtype {node.integer('output_dtype', 0)}")
        block = node.integer("block_size", 0)
        if block < 0:
            node.fail(ModelError, f"attribute 'block_size' is {block}; it must be 0 or more")
        if block > 0 and not (node.op == DQ and constant):
            node.fail(
                UnsupportedOperatorError,
                "blocks of scales (block_size) are supported where DequantizeLinear reads a constant only; store the "
                "integers, or use one scale",
            )
        return block

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
                    if not self._per_output(node, params[1]):
                        return None
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
            if not self._per_output(node, params[1]):
                return False
            if node.op == "Gemm" and (node.number("alpha", 1.0) != 1.0 or node.number("beta", 1.0) != 1.0):
                return False
            return len(params) < 3 or params[2].dtype == "int32"
        if node.op in _FUSED_ONE_TYPE:
            return x.dtype == out.dtype
        if node.op not in _ELEMENTWISE:
            return False
        return all(p.dtype in ("int8", "uint8") and p.per_tensor for p in params)

    def _per_output(self, node: Node, weights: Params) -> bool:
        """Whether the integer kernels take these weights: 8 bits, one scale or one per output."""
        if weights.dtype not in ("int8", "uint8") or weights.block > 0:
            return False
        rows = node.op == "Conv" or (node.op == "Gemm" and node.integer("transB", 0) != 0)
        rank = len(self.shapes.get(node, 1))
        return weights.per_tensor or (weights.axis % rank if rank else 0) == (0 if rows else 1)

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
    """DQ nodes of constants that a float32 operator reads: the integers, as weights, else the constant in float32."""
    made = {n.outputs[0]: n for n in model.nodes if n.op == DQ and n.input(0) in model.constants}
    for node in model.nodes:
        dq = made.get(node.input(1)) if node.op in _WEIGHTED else None
        if dq is not None and parameters.of[dq.input(0)].dtype in _WEIGHT_TYPES:
            node.inputs[1] = dq.input(0)
    read = {name for node in model.nodes for name in node.inputs}.union(model.outputs)
    for name, node in made.items():
        if name in read:
            values = model.constants[node.input(0)]
            model.constants[name] = dequantize_constant(node, values, parameters.of[node.input(0)])
    model.nodes = [n for n in model.nodes if n.op != DQ or n.outputs[0] not in made]
