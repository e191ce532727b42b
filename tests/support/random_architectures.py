"""Random search spaces with their build functions: branches, sums, concatenations, optional and repeated blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gonogo.architecture import Architecture, Layer, Net
from gonogo.space import Choice, Int, Parameter, Space

STEPS = (
    "conv",
    "narrow",
    "depthwise",
    "stride",
    "pool",
    "add",
    "concat",
    "optional",
    "repeat",
    "switch",
    "pad",
    "skip",
)
KEPT = ("optional", "repeat", "switch", "depthwise")  # shape out is shape in

PARAMETERS: dict[str, Callable[[np.random.Generator], Parameter]] = {
    "width": lambda r: Int(1, int(r.integers(3, 21))),
    "other": lambda r: Int(4, 4 * int(r.integers(2, 9)), step=4),
    "size": lambda r: Int(5, int(r.integers(6, 12))),
    "blocks": lambda _: Int(0, 2),
    "kernel": lambda _: Choice(1, 3, 5),
    "stride": lambda _: Choice(1, 2),
    "extra": lambda _: Choice(False, True),
    "kind": lambda _: Choice("conv", "depthwise", "none"),
    "bits": lambda _: Choice(8, 32),
}


@dataclass
class Drawn:
    """A layer, and what is known of its shape: two layers with equal keys have equal shapes."""

    layer: Layer
    image: object
    channels: object


@dataclass(frozen=True)
class Program:
    """A build function written as data: steps, and for each the numbers that choose its inputs."""

    steps: tuple[tuple[str, int], ...]
    end: str

    def __call__(self, h: Any, net: Net) -> Any:
        first = net.input(h.size, 8, 3, bits=h.bits)
        drawn = [Drawn(first, "input", 3)]
        for number, (step, pick) in enumerate(self.steps):
            drawn.append(_Step(h, net, drawn, pick, number).draw(step))
        last = drawn[-1].layer
        if self.end == "outputs":
            return last, drawn[len(drawn) // 2].layer
        if self.end == "flatten":
            return net.dense(net.flatten(last), 7, activation="softmax")
        return net.dense(last if self.end == "dense" else net.global_average_pool(last), h.width)


@dataclass
class _Step:
    h: Any
    net: Net
    drawn: list[Drawn]
    pick: int
    number: int
    x: Drawn = field(init=False)

    def __post_init__(self) -> None:
        self.x = self.drawn[-1]

    def draw(self, step: str) -> Drawn:
        return getattr(self, f"_{step}")()

    def _changed(self, layer: Layer, image: object = None, channels: object = None) -> Drawn:
        return Drawn(layer, image or self.x.image, channels or self.x.channels)

    def _conv(self) -> Drawn:
        kernel = self.h.kernel if self.pick % 2 else 3
        return self._changed(self.net.conv2d(self.x.layer, self.h.width, kernel), channels="width")

    def _narrow(self) -> Drawn:
        return self._changed(
            self.net.conv2d(self.x.layer, self.h.other, 1, activation="relu"), channels="other"
        )

    def _depthwise(self) -> Drawn:
        return self._changed(self.net.depthwise_conv2d(self.x.layer, self.h.kernel))

    def _stride(self) -> Drawn:
        layer = self.net.conv2d(self.x.layer, self.h.width, (3, 2), stride=self.h.stride)
        return self._changed(layer, ("stride", self.number), "width")

    def _pool(self) -> Drawn:
        pool = self.net.max_pool if self.pick % 2 else self.net.average_pool
        return self._changed(pool(self.x.layer, 2, padding="same"), ("pool", self.number))

    def _pad(self) -> Drawn:
        return self._changed(self.net.zero_pad(self.x.layer, 1, 0, 0, 1), ("pad", self.number))

    def _like(self, *, channels: bool) -> Drawn:
        fits = [
            d
            for d in self.drawn
            if d.image == self.x.image and (not channels or d.channels == self.x.channels)
        ]
        return fits[self.pick % len(fits)]

    def _add(self) -> Drawn:
        return self._changed(self.net.add(self.x.layer, self._like(channels=True).layer))

    def _concat(self) -> Drawn:
        other = self._like(channels=False)
        return self._changed(self.net.concat([other.layer, self.x.layer]), channels=("concat", self.number))

    def _skip(self) -> Drawn:
        """An earlier layer is read again, so that the one before lives on."""
        self.x = self.drawn[self.pick % len(self.drawn)]
        return self._narrow()

    def _optional(self) -> Drawn:
        holds = self.h.extra if self.pick % 2 else self.h.width > 4
        with self.net.when(holds):
            y = self.net.conv2d(self.x.layer, self.x.layer.channels, self.h.kernel)
            if self.pick % 3:
                y = self.net.add(y, self.x.layer)
        return self._changed(y)

    def _repeat(self) -> Drawn:
        y = self.x.layer
        for _ in self.net.repeat(self.h.blocks):
            z = self.net.conv2d(y, y.channels, 1)
            y = self.net.add(z, y) if self.pick % 2 else z
        return self._changed(y)

    def _switch(self) -> Drawn:
        x = self.x.layer
        branches: dict[Any, Callable[[], Layer]] = {
            "conv": lambda: self.net.conv2d(x, x.channels, 3),
            "depthwise": lambda: self.net.depthwise_conv2d(x, 3),
            "none": lambda: x,
        }
        return self._changed(self.net.switch(self.h.kind, branches))


class _Names:
    """Notes which parameters a program looks at."""

    def __init__(self, h: Any, seen: set[str]) -> None:
        self._h, self._seen = h, seen

    def __getattr__(self, name: str) -> Any:
        self._seen.add(name)
        return getattr(self._h, name)


def random_architecture(rng: np.random.Generator, steps: int) -> Architecture:
    """An architecture whose space holds the parameters that its build function looks at, and no others."""
    chosen = tuple((str(rng.choice(STEPS)), int(rng.integers(0, 6))) for _ in range(steps))
    program = Program(chosen, str(rng.choice(["mean", "dense", "flatten", "outputs"])))
    space = Space(**{name: make(rng) for name, make in PARAMETERS.items()})
    seen: set[str] = set()
    wide = Space(**{n: _unchecked(p) for n, p in space.parameters.items()})
    Architecture(wide, lambda h, net: program(_Names(h, seen), net))
    return Architecture(Space(**{n: p for n, p in space.parameters.items() if n in seen}), program)


def _unchecked(p: Parameter) -> Parameter:
    if isinstance(p, Int):
        return Int(p.lo, p.hi, step=p.step, used=False)
    assert isinstance(p, Choice)
    return Choice(*p.values, used=False)
