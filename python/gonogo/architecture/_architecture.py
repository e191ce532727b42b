"""An architecture: a space, and the function that draws the network of any of its configurations."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gonogo import _core
from gonogo.architecture import _fixed
from gonogo.architecture._coding import Coding
from gonogo.architecture._fixed import FixedArchitecture
from gonogo.architecture._net import Net
from gonogo.errors import ArchitectureError
from gonogo.space import Float, Space

if TYPE_CHECKING:
    from gonogo._core import Graph

Build = Callable[..., Any]


class Parameters:
    """What the build function gets as `h`: a symbol per parameter, as attribute or item."""

    def __init__(self, coding: Coding, symbols: Mapping[str, Any]) -> None:
        self.__dict__.update(_coding=coding, _symbols=symbols, _seen=set())

    def __getattr__(self, name: str) -> Any:
        if name in self._symbols:
            self._seen.add(name)
            return self._symbols[name]
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._coding.space.names:
            raise ArchitectureError(f"h.{name}: a Float; costs are computed from whole numbers and choices")
        near = difflib.get_close_matches(name, self._symbols, 1)
        hint = f"; did you mean h.{near[0]}?" if near else f"; there are: {', '.join(self._symbols)}"
        raise ArchitectureError(f"h.{name}: no such parameter{hint}")

    __getitem__ = __getattr__

    def __setattr__(self, name: str, value: object) -> None:
        raise ArchitectureError(f"h.{name}: parameters aren't changed")


class Architecture:
    """Networks as a function of hyper-parameters.

    `build(h, net)` is called once with symbols in `h`: it draws all networks at the same time, with `net.repeat`,
    `net.when`, `net.select` and `net.switch` for what depends on a parameter. `model(config)` is the network of one
    configuration, without weights.

    Raises ArchitectureError for a function that decides on a symbol in Python, for unknown parameters, and for those it
    never looks at; ShapeError when layers can't fit in any configuration.
    """

    def __init__(self, space: Space, build: Build, *, name: str | None = None) -> None:
        if not isinstance(space, Space):
            raise TypeError(f"space: {type(space).__name__} given; pass a gonogo.Space")
        if isinstance(build, FixedArchitecture):
            raise TypeError(
                f"build: '{build.name}' is a fixed model and knows no parameters; pass a function build(h, net), or "
                "judge the model with gonogo.hpo.ModelGate(fixed.model, ...)"
            )
        if not callable(build):
            raise TypeError(f"build: {type(build).__name__} given; pass a function build(h, net)")
        self.space = space
        self.build = build
        self.name: str = name or str(getattr(build, "__name__", "architecture"))
        self.coding = Coding(space)
        symbols = {p.name: p.symbol(self.coding.symbol(p.name)) for p in self.coding.parameters}
        self.graph, seen = self._draw(symbols)
        unused = [
            n
            for n, p in space.parameters.items()
            if not isinstance(p, Float) and p.used and n not in seen and not self._decides(n)
        ]
        if unused:
            raise ArchitectureError(
                f"{self.name}: parameter '{unused[0]}' isn't used by the build function; use h.{unused[0]}, or declare "
                "it with used=False if it only concerns training"
            )

    def model(self, config: Mapping[str, Any]) -> Graph:
        """The network of a configuration: shapes and types, no weights."""
        codes = self.coding.codes(self.space.check(config))
        symbols = {
            p.name: p.symbol(_core.Expr(int(code)))
            for p, code in zip(self.coding.parameters, codes, strict=True)
        }
        return self._draw(symbols)[0]

    @staticmethod
    def from_tflite(path: str | os.PathLike[str]) -> FixedArchitecture:
        """A fixed model from a .tflite file; see `FixedArchitecture` for what it is good for."""
        return _fixed.from_file(path, ".tflite")

    @staticmethod
    def from_onnx(path: str | os.PathLike[str]) -> FixedArchitecture:
        """A fixed model from a .onnx file."""
        return _fixed.from_file(path, ".onnx")

    @staticmethod
    def from_torch(module: Any, example_input: Any) -> FixedArchitecture:
        """A fixed model from a torch.nn.Module and an example of its input, by way of torch.onnx.export."""
        return _fixed.from_torch(module, example_input)

    @staticmethod
    def from_keras(model: Any) -> FixedArchitecture:
        """A fixed model from a tf.keras.Model, by way of TensorFlow's converter (float32, batch of 1)."""
        return _fixed.from_keras(model)

    def _decides(self, name: str) -> bool:
        """Whether another parameter exists only for some of its values."""
        conditions = (self.coding.exists(p.name) for p in self.coding.parameters)
        return any(c is not None and name in c.symbols for c in conditions)

    def _draw(self, symbols: Mapping[str, Any]) -> tuple[Graph, set[str]]:
        h = Parameters(self.coding, symbols)
        net = Net(self.name, self.coding.ranges)
        graph = net._finish(self.build(h, net))
        return graph, h._seen

    def __getstate__(self) -> dict[str, Any]:
        return {"space": self.space, "build": self.build, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["space"], state["build"], name=state["name"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<gonogo.Architecture '{self.name}' of {', '.join(self.space.names)}>"
