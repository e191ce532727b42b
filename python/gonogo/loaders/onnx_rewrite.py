"""What ONNX Runtime's optimiser does to a quantised graph before it forms groups, in its order.

Each pass was compared with the graphs that the runtime writes out; where it does more than this (a DQ with several
readers, for one) the nodes stay in float32 here, and the integer profile refuses them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from gonogo.errors import ModelError, UnsupportedOperatorError
from gonogo.loaders.onnx_file import Model, Node
from gonogo.loaders.onnx_qlinear import Parameters, Params
from gonogo.loaders.onnx_shapes import Shapes

Q, DQ = "QuantizeLinear", "DequantizeLinear"
# Through these the runtime moves quantisation; Flatten isn't among them.
_PROPAGATE = ("MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice")


@dataclass
class Rewriter:
    """A model, and who reads and writes its tensors."""

    model: Model
    shapes: Shapes
    parameters: Parameters
    int8_allowed: bool

    # ---- the graph around a node ----

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

    # ---- passes ----

    def join_matmul_and_add(self) -> None:
        """A MatMul and its row of biases is one dense layer, to the runtime (for matrices) as to us."""
        gone = []
        for node in self.model.nodes:
            add = self.only_consumer(node.outputs[0])
            if node.op != "MatMul" or node.outputs[0] in self.parameters.of or add is None or add.op != "Add":
                continue
            other = [name for name in add.inputs if name != node.outputs[0]]
            bias = self.model.constants.get(other[0]) if len(other) == 1 else None
            if (
                bias is None
                or bias.dtype != np.float32
                or list(bias.shape) != self.shapes.of[node.outputs[0]][-1:]
            ):
                continue
            if any(name in self.parameters.of for name in (add.outputs[0], *node.inputs)):
                continue
            add.op, add.inputs, add.name = "MatMul", [*node.inputs, other[0]], node.name
            if len(self.shapes.of[add.outputs[0]]) == 2:
                add.op = "Gemm"
            gone.append(node)
        self.without(gone)

    def remove_dropout(self) -> None:
        def droppable(n: Node) -> bool:
            inner = n.outputs[0] not in self.model.outputs and not any(n.outputs[1:])
            return n.op in ("Identity", "Dropout") and inner and n.integer("training_mode", 0) == 0

        gone = [n for n in self.model.nodes if droppable(n)]
        for node in gone:
            self.replace_input(node.outputs[0], node.inputs[0])
        self.without(gone)

    def remove_clips(self) -> None:
        """A Relu or Clip in front of a Q that clamps at least as tightly does nothing."""
        gone = []
        for node in self.model.nodes:
            q = self.only_consumer(node.outputs[0])
            before = self.producer.get(node.input(0))
            if (
                node.op not in ("Relu", "Clip")
                or q is None
                or q.op != Q
                or (before is not None and before.op == DQ)
            ):
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
        with np.errstate(all="ignore"):
            steps = [float(np.rint(np.float32(v) / scale)) for v in limits]
        return steps[0] + zero <= low and steps[1] + zero >= high

    def _pair(self, node: Node, name: str, params: Params, like: Node) -> tuple[Node, Node]:
        """A Q and a DQ that follow `name`."""
        quantised, back = self.fresh(name + "_quantized"), self.fresh(name + "_dequantized")
        q = replace(
            like, op=Q, name=quantised, inputs=[name, *like.inputs[1:]], outputs=[quantised], attributes={}
        )
        dq = replace(
            like, op=DQ, name=back, inputs=[quantised, *like.inputs[1:]], outputs=[back], attributes={}
        )
        self.parameters.set(node, quantised, params)
        self.shapes.of[quantised] = self.shapes.of[back] = self.shapes.of[name]
        return q, dq

    def _moves(self, node: Node) -> bool:
        return node.op in _PROPAGATE and (node.op != "MaxPool" or self.model.opset >= 12)

    def move_dequantize_down(self) -> None:
        """DQ -> move -> x becomes DQ -> move -> Q -> DQ -> x, again and again."""
        for dq in [n for n in self.model.nodes if n.op == DQ and n.inputs[0] not in self.model.constants]:
            params, current = self.parameters.of[dq.inputs[0]], dq
            while True:
                mover = self.only_consumer(current.outputs[0])
                if mover is None or not self._moves(mover) or mover.inputs[0] != current.outputs[0]:
                    break
                result = mover.outputs[0]
                readers = self.consumers.get(result, [])
                if any(r.op == Q for r in readers) or (not readers and result not in self.model.outputs):
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
        for q in [n for n in self.model.nodes if n.op == Q]:
            params, current = self.parameters.of[q.outputs[0]], q
            while True:
                mover = self.producer.get(current.inputs[0])
                if (
                    mover is None
                    or not self._moves(mover)
                    or self.only_consumer(mover.outputs[0]) is not current
                ):
                    break
                name = mover.inputs[0]
                before = self.producer.get(name)
                if (before is not None and before.op == DQ) or name in self.model.constants:
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
        for q in [n for n in self.model.nodes if n.op == Q]:
            name = q.outputs[0]
            params = self.parameters.of[name]
            dq = self.only_consumer(name)
            if params.dtype != "int8" or dq is None or dq.op != DQ or not (q.input(2) and dq.input(2)):
                continue
            # A DQ with several readers is duplicated first, and then Q has several readers.
            if len(self.consumers.get(dq.outputs[0], [])) + (dq.outputs[0] in self.model.outputs) != 1:
                continue
            self.parameters.of[name] = replace(params, dtype="uint8", zero_points=params.zero_points + 128)


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
