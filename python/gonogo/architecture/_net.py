"""What a build function draws an architecture with: layers as TensorFlow Lite has them, channels last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gonogo import _core
from gonogo.architecture._drawing import Drawing, Layer
from gonogo.architecture._symbols import Number, Whole, expr
from gonogo.errors import ArchitectureError

Expr = _core.Expr


class Net(Drawing):
    """Draws the network. Sizes are ints or symbols; every method returns the new layer's output.

    `activation`: None, "relu", "relu6" or "relu_n1_to_1", computed within the layer as on the device; "sigmoid", "tanh"
    and "softmax" become layers of their own.
    """

    # ---- layers

    def input(self, *shape: Whole, bits: Whole = 8, name: str | None = None) -> Layer:
        """The network's input, without the batch of 1: net.input(96, 96, 3).

        `bits`: 8 (int8) or 32 (float32), of this and of every layer that follows.
        """
        if self._frames:
            raise ArchitectureError("net.input: inputs are drawn outside net.when and net.repeat")
        wide = self._wide(bits)
        sizes = [Expr(1), *(expr(s, "a size of the input") for s in shape)]
        self._inputs += 1
        tensor = self._builder.symbolic_input(self._name("input", name), sizes, wide)
        return Layer(self, tensor, (), None, wide)

    def conv2d(
        self,
        x: Layer,
        filters: Whole,
        kernel: Any = 3,
        *,
        stride: Any = 1,
        padding: str = "same",
        activation: str | None = None,
        bias: bool = True,
        name: str | None = None,
    ) -> Layer:
        """2-D convolution. `kernel`, `stride`: a size, or (height, width)."""
        self._image(x, "conv2d")
        kh, kw = _pair(kernel, "kernel")
        out = expr(filters, "filters")
        weights = [out, kh, kw, x.channels.expr]
        attributes = self._window(stride, padding)
        return self._weighted("conv2d", x, weights, out, out, attributes, activation, bias, name)

    def depthwise_conv2d(
        self,
        x: Layer,
        kernel: Any = 3,
        *,
        stride: Any = 1,
        padding: str = "same",
        multiplier: Whole = 1,
        activation: str | None = None,
        bias: bool = True,
        name: str | None = None,
    ) -> Layer:
        """Depthwise 2-D convolution; `multiplier` outputs per channel."""
        self._image(x, "depthwise_conv2d")
        kh, kw = _pair(kernel, "kernel")
        out = x.channels.expr * expr(multiplier, "multiplier")
        attributes = self._window(stride, padding)
        weights = [Expr(1), kh, kw, out]
        return self._weighted("depthwise_conv2d", x, weights, out, out, attributes, activation, bias, name)

    def dense(
        self,
        x: Layer,
        units: Whole,
        *,
        activation: str | None = None,
        bias: bool = True,
        name: str | None = None,
    ) -> Layer:
        """Fully connected layer over all elements of `x`: more than two dimensions are flattened within the layer."""
        out = expr(units, "units")
        terms = Expr(1)
        for size in x.shape[1:]:
            terms = terms * size.expr
        return self._weighted("dense", x, [out, terms], out, out, {"keep_dims": 0}, activation, bias, name)

    def add(self, a: Layer, b: Layer, *, activation: str | None = None, name: str | None = None) -> Layer:
        """Sum of two layers' outputs; where it is left out, `a` passes through."""
        return self._node("add", [a, b], {}, activation, name)

    def mul(self, a: Layer, b: Layer, *, activation: str | None = None, name: str | None = None) -> Layer:
        return self._node("mul", [a, b], {}, activation, name)

    def concat(self, layers: Sequence[Layer], *, axis: int = -1, name: str | None = None) -> Layer:
        return self._node("concat", list(layers), {"axis": axis}, None, name)

    def max_pool(
        self, x: Layer, size: Any = 2, *, stride: Any = None, padding: str = "valid", name: str | None = None
    ) -> Layer:
        return self._pool("max_pool2d", x, size, stride, padding, name)

    def average_pool(
        self, x: Layer, size: Any = 2, *, stride: Any = None, padding: str = "valid", name: str | None = None
    ) -> Layer:
        return self._pool("average_pool2d", x, size, stride, padding, name)

    def global_average_pool(self, x: Layer, *, keep_dims: bool = False, name: str | None = None) -> Layer:
        """Mean over height and width."""
        self._image(x, "global_average_pool")
        axes = self._constant("axes", [2])
        return self._node(
            "mean", [x], {"axes": [1, 2], "keep_dims": int(keep_dims)}, None, name, constants=[axes]
        )

    def flatten(self, x: Layer, *, name: str | None = None) -> Layer:
        """To (batch, elements); on the device a copy with a buffer of its own. `dense` needs no flatten before it."""
        elements = Expr(1)
        for size in x.shape[1:]:
            elements = elements * size.expr
        return self.reshape(x, Number(elements), name=name)

    def reshape(self, x: Layer, *shape: Whole, name: str | None = None) -> Layer:
        """To another shape, without the batch."""
        sizes = [Expr(1), *(expr(s, "a size of the shape") for s in shape)]
        target = self._constant("shape", [len(sizes)])
        return self._node("reshape", [x], {"shape": sizes}, None, name, constants=[target])

    def zero_pad(
        self, x: Layer, top: int, bottom: int, left: int, right: int, *, name: str | None = None
    ) -> Layer:
        """Zeros around the image, as a layer of its own."""
        self._image(x, "zero_pad")
        pads = self._constant("paddings", [4, 2])
        return self._node("pad", [x], {"pads": [0, top, left, 0, 0, bottom, right, 0]}, None, name, [pads])

    def relu(self, x: Layer, *, name: str | None = None) -> Layer:
        return self._node("relu", [x], {}, None, name)

    def relu6(self, x: Layer, *, name: str | None = None) -> Layer:
        return self._node("relu6", [x], {}, None, name)

    def sigmoid(self, x: Layer, *, name: str | None = None) -> Layer:
        return self._node("sigmoid", [x], {}, None, name)

    def tanh(self, x: Layer, *, name: str | None = None) -> Layer:
        return self._node("tanh", [x], {}, None, name)

    def softmax(self, x: Layer, *, name: str | None = None) -> Layer:
        return self._node("softmax", [x], {}, None, name)

    # ---- helpers

    def _image(self, x: Layer, what: str) -> None:
        if not isinstance(x, Layer):
            raise ArchitectureError(f"{what}: a layer's output is needed, not {x!r}")
        if len(x.shape) != 4:
            raise ArchitectureError(
                f"{what}: the input has {len(x.shape)} dimensions, an image has 4 (batch, height, width, channels)"
            )

    def _window(self, stride: Any, padding: str) -> dict[str, Any]:
        if padding not in ("same", "valid"):
            raise ArchitectureError(f"padding {padding!r}; write 'same' or 'valid'")
        return {"strides": list(_pair(stride, "stride")), "padding": padding}

    def _pool(self, op: str, x: Layer, size: Any, stride: Any, padding: str, name: str | None) -> Layer:
        self._image(x, op)
        attributes = self._window(size if stride is None else stride, padding)
        return self._node(op, [x], {**attributes, "kernel": list(_pair(size, "size"))}, None, name)

    def _constant(self, kind: str, shape: list[int]) -> int | None:
        if self._is_left_out():
            return None
        return self._builder.parameters(
            self._name(kind, None), "int32", [Expr(s) for s in shape], Expr(0), Expr(0)
        )

    def _weighted(
        self,
        op: str,
        x: Layer,
        weights: list[Expr],
        outputs: Expr,
        scales: Expr,
        attributes: dict[str, Any],
        activation: str | None,
        bias: bool,
        name: str | None,
    ) -> Layer:
        constants: list[int | None] = []
        if not self._is_left_out():
            is_float = x.wide.value == 1
            kind = "float32" if is_float else "int8"
            constants.append(
                self._builder.parameters(
                    self._name("weights", None), kind, weights, Expr(0) if is_float else x.wide, scales
                )
            )
            if bias:
                constants.append(
                    self._builder.parameters(
                        self._name("bias", None),
                        "float32" if is_float else "int32",
                        [outputs],
                        Expr(0),
                        Expr(0),
                    )
                )
        return self._node(op, [x], attributes, activation, name, constants)


def _pair(value: Any, what: str) -> tuple[Expr, Expr]:
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ArchitectureError(f"{what} {value!r}; write one size, or (height, width)")
        return expr(value[0], what), expr(value[1], what)
    return expr(value, what), expr(value, what)
