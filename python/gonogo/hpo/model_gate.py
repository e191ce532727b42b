"""The gate over a function that makes each configuration's model: what it would cost, judged against the limits.

Only what is proved rejects: an exact quantity (MACs, a file's flash, the activation part of RAM, the constants alone)
beyond its limit. An estimate rejects only where the caller allows it by name, and then only when its whole interval
lies beyond the limit. Everything else is feasible or undecided, and passes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Union

from gonogo import _core, analysis, loaders, targets
from gonogo.errors import GonogoError, LimitError
from gonogo.hpo.checked import Checked, Params, key_of
from gonogo.limits import Limits, LimitValue
from gonogo.results import CheckResult, Feasibility, LimitOutcome

if TYPE_CHECKING:
    from gonogo._core import Graph
    from gonogo.targets import Target

# What a model builder may return: a graph, the path of a model file, or the bytes of one.
Built = Union["Graph", str, "os.PathLike[str]", bytes]

COSTS = ("ram", "flash", "flash_model", "latency", "energy", "macs")


class BuildError(GonogoError):
    """The function that makes a configuration's model failed, or returned something else."""


class ModelGate:
    """Judges configurations by the cost of their models on a target, before training.

    For architectures that are written as a function of a `Space`, `Gate` is far faster and can analyse the whole space.

    Parameters
    ----------
    model_of : makes the model of a configuration: a Graph, a path, or the bytes of a .tflite or .onnx file. It must
        have the shapes and types of what will be deployed, but needs no weights
        (`GraphBuilder.constant_without_values`).
    target : the name of a described target, the path of a description, or a Target
    limits : as for `gonogo.check`. With the target's own memories these make `keys`; 'error' is judged after training.
    reject_on_estimates : names of limits (such as 'latency') that may also reject on an estimate, namely when its
        whole interval lies beyond the limit. By default no estimate rejects.

    A gate has no state besides these; it can be pickled when `model_of` can.
    """

    def __init__(
        self,
        model_of: Callable[[Params], Built],
        *,
        target: analysis.TargetLike,
        limits: Limits | Mapping[str, LimitValue] | None = None,
        reject_on_estimates: Iterable[str] = (),
    ) -> None:
        if not callable(model_of):
            raise TypeError(f"model_of: {type(model_of).__name__} given; pass a function of the parameters")
        self.model_of = model_of
        self.limits = Limits.of(limits)
        self._target = target
        self._device: Target | None = None
        if isinstance(reject_on_estimates, str):
            reject_on_estimates = (reject_on_estimates,)
        self.reject_on_estimates = tuple(reject_on_estimates)
        own = {"ram": self.target.ram_bytes, "flash": self.target.flash_bytes}
        limited = [name for name in COSTS if name in self.limits or own.get(name)]
        for name in self.reject_on_estimates:
            if name not in limited:
                raise LimitError(
                    f"reject_on_estimates: no limit on {name!r}; there are: {', '.join(limited) or 'none'}"
                )
        if not limited and "error" not in self.limits:
            raise LimitError("nothing to decide: give limits, or a target that states its memories")
        self.cost_keys: tuple[str, ...] = tuple(
            key
            for name in COSTS
            for key, there in ((name, name in self.limits), (f"{name}_device", bool(own.get(name))))
            if there
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of all margins, in the order in which they are always recorded."""
        return (*self.cost_keys, "error") if "error" in self.limits else self.cost_keys

    @property
    def target(self) -> Target:
        if self._device is None:
            where = self._target
            self._device = targets.load(where) if isinstance(where, (str, os.PathLike)) else where
        return self._device

    def check(self, params: Params) -> Checked:
        """The verdict on one configuration.

        Raises `BuildError` when its model can't be made, and gonogo's other errors when the model can't be read or its
        cost can't be counted: no answer is better than "feasible".
        """
        spent = analysis.cost(self._model(params), self.target)
        outcomes = tuple(self._ruled(o) for o in analysis.cost_outcomes(spent, self.target, self.limits))
        if tuple(key_of(o) for o in outcomes) != self.cost_keys:
            raise AssertionError(f"limits {[key_of(o) for o in outcomes]} instead of {self.cost_keys}")
        provenance = replace(spent.provenance, question="gate")
        return Checked(dict(params), CheckResult(outcomes, None, spent, provenance, spent.notes), spent)

    # ---- helpers

    def _ruled(self, outcome: LimitOutcome) -> LimitOutcome:
        """An estimate that may not reject leaves the question open."""
        proved = outcome.low_standing == "exact" or outcome.name in self.reject_on_estimates
        if outcome.feasibility is Feasibility.INFEASIBLE and not proved:
            return replace(outcome, feasibility=Feasibility.UNDECIDED)
        return outcome

    def _model(self, params: Params) -> Graph:
        shown = _shown(params)
        try:
            built = self.model_of(params)
        except Exception as error:
            text = " ".join(str(error).split())
            raise BuildError(
                f"model of {shown}: {type(error).__name__}{': ' if text else ''}{text}"
            ) from error
        if isinstance(built, bytes):
            # TensorFlow Lite files carry a mark of their own, so the name decides for ONNX only.
            return loaders.load_bytes(built, f"model of {shown}.onnx")
        if isinstance(built, _core.Graph):
            return built
        if isinstance(built, (str, os.PathLike)):
            return loaders.load(built)
        raise BuildError(
            f"model of {shown}: {type(built).__name__} returned; return a Graph, a path, or a model file's bytes"
        )

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__, _device=None)
        if not isinstance(self._target, (str, os.PathLike)):
            # A device holds compiled data, which doesn't travel; its name does.
            if not targets.is_bundled(self._target):
                raise TypeError(
                    "a gate with a Target of your own can't be pickled; give the gate its path instead"
                )
            state["_target"] = self._target.name
        return state


def _shown(params: Params) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in params.items())
    return f"({text if len(text) <= 200 else text[:200] + '...'})"
