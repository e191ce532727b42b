"""Drawing a network whose structure depends on hyper-parameters: conditions, merges, and the builder behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gonogo import _core
from gonogo.architecture._symbols import Condition, Number, Ratio, Text, Whole, condition, expr
from gonogo.errors import ArchitectureError

Expr = _core.Expr
ACTIVATIONS = ("none", "relu", "relu6", "relu_n1_to_1")
_LATER = ("sigmoid", "tanh", "softmax")
MOST_REPEATS = 4096


@dataclass(eq=False)
class _Frame:
    """A condition under which what is drawn now exists."""

    condition: Expr


@dataclass(frozen=True, eq=False)
class Layer:
    """The output of a layer. Where the configuration doesn't have the layer, its first input stands for it; for a
    selection, what it selects from."""

    net: Drawing
    _tensor: int
    _frames: tuple[_Frame, ...]
    _instead: Layer | None
    wide: Expr
    _selected: tuple[Expr, Layer, Layer] | None = None

    @property
    def shape(self) -> tuple[Number, ...]:
        """Sizes as symbols: (batch, height, width, channels), or (batch, units)."""
        return tuple(Number(e) for e in self.net._builder.shape(self.net._at(self)))

    @property
    def channels(self) -> Number:
        """The last size."""
        return self.shape[-1]

    @property
    def height(self) -> Number:
        return self._image()[1]

    @property
    def width(self) -> Number:
        return self._image()[2]

    def _image(self) -> tuple[Number, ...]:
        if len(self.shape) != 4:
            raise ArchitectureError(f"a layer of {len(self.shape)} dimensions has no height and width")
        return self.shape


class Drawing:
    """What a net has before it has layers: conditional structure, numbers, and how a node comes into the graph."""

    def __init__(self, source: str, ranges: list[tuple[str, float, float]]) -> None:
        self._builder = _core.GraphBuilder(source, "architecture")
        self._ranges = ranges
        self._frames: list[_Frame] = []
        self._names: dict[str, int] = {}
        self._merged: dict[tuple[int, int, int], int] = {}
        self._inputs = 0

    # ---- structure

    def repeat(self, count: Whole) -> Iterator[int]:
        """``for i in net.repeat(h.blocks):`` draws the body once per possible block; block i exists where i < count."""
        amount = expr(count, "the count of net.repeat")
        least, most = amount.range(self._ranges)
        if most > MOST_REPEATS:
            raise ArchitectureError(f"net.repeat: up to {most} times; at most {MOST_REPEATS} are allowed")
        for i in range(most):
            if i < least:
                yield i
                continue
            with self._under(Expr(i).less(amount)):
                yield i

    @contextmanager
    def when(self, holds: Condition | bool) -> Iterator[None]:
        """``with net.when(h.layers > 1):`` what is drawn in the block exists where the condition holds.

        Elsewhere each layer in it is left out: its first input passes through, so later layers read that.
        """
        with self._under(condition(holds)):
            yield

    def select(self, holds: Condition | bool, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds, else `no`: two numbers, or two layers' outputs drawn before."""
        c = condition(holds)
        if not isinstance(yes, Layer) and not isinstance(no, Layer):
            return Number(c.select(expr(yes), expr(no)))
        if not isinstance(yes, Layer) or not isinstance(no, Layer):
            raise ArchitectureError("net.select: both must be layers, or both numbers")
        if c.value is not None:
            return yes if c.value else no
        a, b = self._at(yes), self._at(no)
        merged = self._builder.merge(self._name("select", None), c, a, b)
        return Layer(self, merged, tuple(self._frames), None, c.select(yes.wide, no.wide), (c, yes, no))

    def switch(self, choice: Text | Number | Ratio, branches: Mapping[Any, Callable[[], Layer]]) -> Layer:
        """One branch per value of a choice: ``net.switch(h.kind, {"conv": lambda: ..., "dense": lambda: ...})``.

        A branch is called once and draws its layers; they exist where the choice has that value. A choice of texts
        needs a branch for each.
        """
        if not branches:
            raise ArchitectureError("net.switch: no branches")
        if isinstance(choice, Text):
            missing = [v for v in choice.values if v not in branches]
            if missing:
                raise ArchitectureError(
                    f"net.switch: no branch for {', '.join(map(repr, missing))}; write one each"
                )
        drawn: list[tuple[Condition, Layer]] = []
        outside = tuple(self._frames)
        for value, branch in branches.items():
            if isinstance(choice, Text) and choice.never(value):
                continue
            holds = choice == value
            with self.when(holds):
                layer = branch()
                # Only read where its branch is taken, so nothing need stand for it elsewhere: ranks may differ. The
                # last of some numbers is also what remains for the others.
                if isinstance(choice, Text) or len(drawn) + 1 < len(branches):
                    layer = Layer(self, self._at(layer), outside, layer, layer.wide)
                drawn.append((holds, layer))
        result = drawn[-1][1]
        for holds, layer in reversed(drawn[:-1]):
            result = self.select(holds, layer, result)
        return result

    # ---- numbers

    @staticmethod
    def round_to(value: Any, multiple: int, least: int | None = None) -> Number:
        """The multiple of `multiple` nearest to a number or fraction, at least `least` (by default one multiple).

        The rule by which MobileNets round channels, without its step up of a further multiple below 90 %.
        """
        lowest = multiple if least is None else least
        if isinstance(value, Ratio):
            half = Ratio(
                value.numerator * Expr(2) + Expr(multiple * value.denominator), 2 * value.denominator
            )
            rounded = half.numerator.floor_div(Expr(half.denominator * multiple)) * Expr(multiple)
        else:
            rounded = (expr(value) * Expr(2) + Expr(multiple)).floor_div(Expr(2 * multiple)) * Expr(multiple)
        return Number(rounded.max(Expr(lowest)))

    @staticmethod
    def ceil_div(a: Whole, b: Whole) -> Number:
        """a / b, rounded up."""
        return Number(expr(a).ceil_div(expr(b)))

    @staticmethod
    def maximum(a: Whole, b: Whole) -> Number:
        return Number(expr(a).max(expr(b)))

    @staticmethod
    def minimum(a: Whole, b: Whole) -> Number:
        return Number(expr(a).min(expr(b)))

    # ---- helpers

    @contextmanager
    def _under(self, holds: Expr) -> Iterator[None]:
        self._frames.append(_Frame(holds))
        self._set_active()
        try:
            yield
        finally:
            self._frames.pop()
            self._set_active()

    def _active(self) -> Expr:
        active = Expr(1)
        for frame in self._frames:
            active = active * frame.condition
        return active

    def _set_active(self) -> None:
        self._builder.set_active(self._active())

    def _at(self, layer: Layer) -> int:
        """The tensor that holds a layer's output where the net is drawn now."""
        if not isinstance(layer, Layer) or layer.net is not self:
            raise ArchitectureError(f"a layer's output is needed, not {layer!r}")
        common = 0
        while common < min(len(layer._frames), len(self._frames)):
            if layer._frames[common] is not self._frames[common]:
                break
            common += 1
        outside = layer._frames[common:]
        if not outside:
            return layer._tensor
        holds = Expr(1)
        for frame in outside:
            holds = holds * frame.condition
        key = (layer._tensor, common, len(layer._frames))
        if key not in self._merged:
            if holds.value == 1:
                self._merged[key] = layer._tensor
            else:
                self._merged[key] = self._merge(holds, layer._tensor, self._elsewhere(layer))
        return self._merged[key]

    def _elsewhere(self, layer: Layer) -> int:
        """The tensor that stands for a layer where it is left out."""
        if layer._selected is not None:
            holds, yes, no = layer._selected
            return self._merge(holds, self._at(yes), self._at(no))
        assert layer._instead is not None, "inputs are never left out"
        return self._at(layer._instead)

    def _merge(self, holds: Expr, yes: int, no: int) -> int:
        if holds.value is not None or yes == no:
            return no if holds.value == 0 else yes
        return self._builder.merge(self._name("merge", None), holds, yes, no)

    def _name(self, kind: str, name: str | None) -> str:
        if name is not None and name not in self._names:
            self._names[name] = 0
            return name
        base = name or kind
        self._names[base] = self._names.get(base, 0) + 1
        return f"{base}_{self._names[base]}"

    def _wide(self, bits: Whole) -> Expr:
        size = expr(bits, "bits")
        least, most = size.range(self._ranges)
        if least == most:
            if least not in (8, 32):
                raise ArchitectureError(f"bits = {least}; costs are known for 8 (int8) and 32 (float32)")
            return Expr(int(least == 32))
        if (least, most) != (8, 32):
            raise ArchitectureError("bits must be 8 or 32: write bits=gg.Choice(8, 32)")
        return size.equal(Expr(32))

    def _is_left_out(self) -> bool:
        return self._active().value == 0

    def _node(
        self,
        op: str,
        inputs: list[Layer],
        attributes: dict[str, Any],
        activation: str | None,
        name: str | None,
        constants: Sequence[int | None] = (),
    ) -> Layer:
        if activation is not None and activation not in (*ACTIVATIONS, *_LATER):
            raise ArchitectureError(f"activation {activation!r}; known: {', '.join((*ACTIVATIONS, *_LATER))}")
        if not inputs:
            raise ArchitectureError(f"{op}: no inputs")
        if self._is_left_out():
            return inputs[0]
        tensors = [self._at(x) for x in inputs]
        if activation in ACTIVATIONS:
            attributes = {**attributes, "activation": activation}
        label = self._name(op, name)
        wide = inputs[0].wide
        output = self._builder.symbolic_activation(label, wide)
        self._builder.node(
            op, label, [*tensors, *(c for c in constants if c is not None)], [output], attributes
        )
        layer = Layer(self, output, tuple(self._frames), inputs[0] if self._frames else None, wide)
        return self._node(activation, [layer], {}, None, None) if activation in _LATER else layer

    def _finish(self, result: Any) -> _core.Graph:
        outputs = result if isinstance(result, (tuple, list)) else [result]
        if self._inputs == 0:
            raise ArchitectureError("the build function draws no net.input")
        for layer in outputs:
            if not isinstance(layer, Layer):
                raise ArchitectureError(
                    f"the build function must return the last layer's output (or a tuple of outputs), not {layer!r}"
                )
            self._builder.output(self._at(layer))
        return self._builder.build()
