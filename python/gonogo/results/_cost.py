"""What a model costs on a target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gonogo._core import __version__ as core_version
from gonogo.results._basis import Model, Provenance, Quantity

if TYPE_CHECKING:
    from gonogo._core import Cost, Graph
    from gonogo.targets import Target

# How far the estimate of the interpreter's persistent memory has been from measured arenas, at most.
PERSISTENT_SLACK_BYTES = 128
# Activations of engines that overlap, fuse or recompute, against TensorFlow Lite Micro's plan: least and most.
# docs/cost-model.md has the figures; cpp/src/engines/cost/judge.cpp the same numbers.
OTHER_PLANNERS = (0.25, 2.5)


class CostResult:
    """What a model costs on a target. A quantity that can't be stated is None, and `notes` says why.

    `core` holds everything the engine counted: per node, per operator, parts of the persistent memory.
    """

    __slots__ = ("core", "graph", "target_description")

    core: Cost
    graph: Graph
    target_description: Target

    def __init__(self, core: Cost, graph: Graph, target: Target) -> None:
        object.__setattr__(self, "core", core)
        object.__setattr__(self, "graph", graph)
        object.__setattr__(self, "target_description", target)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a result doesn't change")

    @property
    def target(self) -> str:
        return self.target_description.name

    @property
    def macs(self) -> Quantity:
        """Multiply-accumulates of one inference."""
        return Quantity.exact(self.core.macs, "MAC")

    @property
    def parameters(self) -> Quantity:
        """Bytes of all constants."""
        return Quantity.exact(self.core.parameter_bytes, "B")

    @property
    def flash(self) -> Quantity:
        """Bytes in flash: the model, and the kernels and runtime that run it. `flash_parts` has them one by one."""
        model, code = self.core.flash_model_bytes, self.core.flash_code_bytes
        low, value, high = (m + c for m, c in zip(model, code, strict=True))
        if low == high and "exact" == self.core.flash_model_standing == self.core.flash_code_standing:
            return Quantity.exact(value, "B", "the model file and the code size that the target states")
        note = f"{model[1]} B model + {code[1]} B code, {self.core.flash_code_standing}"
        return Quantity(value, "B", "estimated", low, high, note)

    @property
    def flash_parts(self) -> dict[str, Quantity]:
        """What lies in flash: 'model', as the engine stores it, and 'code', the kernels and the runtime."""
        return {
            "model": self._bytes(
                self.core.flash_model_bytes, self.core.flash_model_standing, "the model file"
            ),
            "code": self._bytes(
                self.core.flash_code_bytes, self.core.flash_code_standing, "as the target states"
            ),
        }

    @staticmethod
    def _bytes(ends: tuple[int, int, int], standing: str, exact: str) -> Quantity:
        if standing == "exact":
            return Quantity.exact(ends[1], "B", exact)
        note = "assumed: not measured for this engine" if standing == "assumed" else ""
        return Quantity(ends[1], "B", "estimated", ends[0], ends[2], note)

    @property
    def ram_activations(self) -> Quantity | None:
        """Bytes of the arena that hold activations and scratch buffers."""
        size = self.core.ram_activation_bytes
        if size is None:
            return None
        if self.core.ram_activation_standing == "exact":
            return Quantity.exact(size, "B", "the planner's own result")
        return Quantity(size, "B", "estimated", size, size)

    @property
    def ram(self) -> Quantity | None:
        """Bytes of the arena: activations and the interpreter's persistent structures."""
        activation, persistent = self.core.ram_activation_bytes, self.core.ram_persistent_bytes
        if activation is None or persistent is None:
            return None
        if not self.target_description.core.plans_as_tflm:
            least, most = OTHER_PLANNERS
            high = math.ceil(activation * most) + persistent + PERSISTENT_SLACK_BYTES
            note = (
                f"{self.target_description.engine or 'the engine'} plans otherwise than TensorFlow Lite Micro"
            )
            return Quantity(
                activation + persistent, "B", "estimated", math.floor(activation * least), high, note
            )
        low, high = activation + max(0, persistent - PERSISTENT_SLACK_BYTES), activation + persistent
        note = f"{activation} B activations + {persistent} B persistent within {PERSISTENT_SLACK_BYTES} B"
        return Quantity(high, "B", "estimated", low, high + PERSISTENT_SLACK_BYTES, note)

    @property
    def latency(self) -> Quantity | None:
        """Seconds for one inference."""
        return self._bracket(self.core.latency_seconds, "s")

    @property
    def energy(self) -> Quantity | None:
        """Joules for one inference."""
        return self._bracket(self.core.energy_joules, "J")

    def _bracket(self, ends: tuple[float, float, float] | None, unit: str) -> Quantity | None:
        if ends is None:
            return None
        target = self.target_description
        if self.core.latency_standing != "estimated" or target.coverage is None:
            note = "coefficients assumed, not measured on this core"
        else:
            note = f"interval of {target.coverage:.0%} coverage, from {target.networks} measured networks"
        return Quantity(ends[1], unit, "estimated", ends[0], ends[2], note)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.core.notes)

    @property
    def provenance(self) -> Provenance:
        g = self.graph
        return Provenance(
            "cost",
            Model(g.source, g.format, g.file_bytes, g.sha256),
            target=self.target,
            versions=(("gonogo", core_version),),
        )

    def quantities(self) -> dict[str, Quantity | None]:
        """Everything, by name, in the order it is shown."""
        return {
            "macs": self.macs,
            "parameters": self.parameters,
            "flash": self.flash,
            "flash_model": self.flash_parts["model"],
            "flash_code": self.flash_parts["code"],
            "ram": self.ram,
            "ram_activations": self.ram_activations,
            "latency": self.latency,
            "energy": self.energy,
        }

    def limited(self) -> dict[str, Quantity | None]:
        """What a limit can be put on."""
        return {
            "ram": self.ram,
            "flash": self.flash,
            "flash_model": self.flash_parts["model"],
            "latency": self.latency,
            "energy": self.energy,
            "macs": self.macs,
        }

    def floor(self, name: str) -> int | None:
        """The part of a quantity that is exact, if only a part of it is."""
        if name == "ram" and self.core.ram_activation_standing == "exact":
            return self.core.ram_activation_bytes
        if name == "flash_model":
            return self.core.flash_model_floor_bytes
        if name == "flash":
            stated = self.core.flash_code_standing == "exact"
            return self.core.flash_model_floor_bytes + (self.core.flash_code_bytes[0] if stated else 0)
        return None

    def __str__(self) -> str:
        return "\n".join(f"{name}: {quantity or 'unknown'}" for name, quantity in self.quantities().items())
