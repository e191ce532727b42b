"""The error bound of a trained model, within a trial's time, and never twice for the same model."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonogo import _core, analysis
from gonogo.architecture import FixedArchitecture
from gonogo.box import Box
from gonogo.results import ErrorResult

if TYPE_CHECKING:
    from gonogo._core import Graph

CACHED = 256


@dataclass(frozen=True)
class Bounding:
    """How a trained model's error is bounded: over each of `boxes`, in `budget` seconds for all of them together."""

    boxes: tuple[Box | None, ...]
    profile: str = "tflm"
    tensor: str | None = None
    search: int = analysis.DEFAULT_SEARCH
    seed: int = 0
    method: str = "linear"
    budget: float = 0.0
    threshold: float | None = None
    _cache: OrderedDict[Any, ErrorResult] = field(
        default_factory=OrderedDict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for name, value, known in (
            ("profile", self.profile, analysis.PROFILES),
            ("method", self.method, analysis.METHODS),
        ):
            if value not in known:
                raise ValueError(f"{name}: {value!r} isn't known; use one of {', '.join(known)}")
        if not 0.0 <= self.budget < float("inf"):
            raise ValueError(f"budget: {self.budget!r}; give the seconds per trial, 0 or more")

    def __call__(self, reference: analysis.ModelLike | None, deployed: Graph) -> list[ErrorResult]:
        """One bracket per box.

        A model whose file was bounded before isn't bounded again: models without a file's hash always are. What one
        box leaves of the budget is the next one's.
        """
        original = None if reference is None else graph_of(reference)
        end = time.monotonic() + self.budget
        found = []
        for i, box in enumerate(self.boxes):
            left = max(0.0, end - time.monotonic()) / (len(self.boxes) - i) if self.budget else 0.0
            found.append(self._one(original, deployed, box, left))
        return found

    def _one(self, original: Graph | None, deployed: Graph, box: Box | None, budget: float) -> ErrorResult:
        key = _key(original, deployed, box)
        known = self._cache.get(key) if key is not None else None
        if known is not None:
            return known
        result = analysis.error(
            original,
            deployed,
            box,
            profile=self.profile,
            tensor=self.tensor,
            search=self.search,
            seed=self.seed,
            method=self.method,
            budget=budget,
            threshold=self.threshold if budget else None,
        )
        if key is not None:
            self._cache[key] = result
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)  # the oldest
        return result

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__, _cache=OrderedDict())


def _key(original: Graph | None, deployed: Graph, box: Box | None) -> tuple[str, str, str] | None:
    """The files' hashes and the box's; None for a model that didn't come from a file."""
    if not deployed.sha256 or (original is not None and not original.sha256):
        return None
    return ("" if original is None else original.sha256, deployed.sha256, "" if box is None else box.sha256)


def boxes_of(box: Box | Sequence[Box] | None) -> tuple[Box | None, ...]:
    return (box,) if box is None or isinstance(box, Box) else tuple(box) or (None,)


def graph_of(model: analysis.ModelLike) -> Graph:
    if isinstance(model, FixedArchitecture):
        return model.graph
    return model if isinstance(model, _core.Graph) else analysis.load(model)
