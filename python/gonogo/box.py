"""Input boxes: products of closed intervals, in the model's input units.

A box file is JSON::

    {"lo": -1, "hi": 1}                                        every element of the only input
    {"lo": [[...]], "hi": [[...]]}                             element by element, in the input's shape
    {"sample": [[...]], "radius": 0.05, "clip": [-1, 1]}       a ball in the maximum norm, clipped
    {"audio": {"lo": ..., "hi": ...}, ...}                     by the inputs' names

or a ``.npz`` archive with arrays ``lo`` and ``hi`` (``<name>.lo`` and ``<name>.hi`` for several inputs). Decimal text
is read outward: the box holds every number that was written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from gonogo import _core, odd
from gonogo._core import numeric
from gonogo.errors import BoxError
from gonogo.files import json_intervals, npz_arrays, read_array

if TYPE_CHECKING:
    from gonogo._core import Graph

Array = npt.NDArray[np.float64]
# What an end of a box may be given as: one number for all elements, or an array of the input's shape.
Values = Union[float, int, npt.NDArray[Any]]
Clip = Union[tuple[float, float], None]


def exact_float64(values: object, what: str) -> Array:
    """The values as float64, if that changes none of them."""
    if isinstance(values, (bool, np.bool_)) or not isinstance(values, (int, float, np.ndarray, np.number)):
        raise BoxError(f"box: {what}: {type(values).__name__} given; pass a number or a numpy array")
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise BoxError(
            f"box: {what}: {array.dtype} array of shape {list(array.shape)}; pass float64, float32 or an integer type"
        )
    wide = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    if (
        array.dtype.kind in "iu"
        and array.dtype.itemsize == 8
        and array.size
        and np.abs(wide).max() >= 2.0**53
    ):
        raise BoxError(f"box: {what}: holds integers beyond 2**53, which float64 can't represent")
    bad = ~np.isfinite(wide)
    if bad.any():
        where = [int(i) for i in np.argwhere(bad)[0]]
        raise BoxError(f"box: {what}: {wide[tuple(where)]} at {where}; every end must be a finite number")
    return wide.copy()


class Box:
    """A product of closed intervals, one array pair per model input.

    `lo` and `hi` are tuples of float64 arrays, in the order of `names` (or of the model's inputs when there are no
    names). An array without dimensions stands for every element of its input. `origin` says where the box came from.

    >>> Box(-1.0, 1.0).origin
    'given'
    """

    lo: tuple[Array, ...]
    hi: tuple[Array, ...]
    names: tuple[str, ...] | None
    origin: str

    def __init__(
        self,
        lo: Values | Sequence[Values] | Mapping[str, Values],
        hi: Values | Sequence[Values] | Mapping[str, Values],
        *,
        origin: str = "given",
    ) -> None:
        names: tuple[str, ...] | None = None
        if isinstance(lo, Mapping) or isinstance(hi, Mapping):
            if not (isinstance(lo, Mapping) and isinstance(hi, Mapping)) or set(lo) != set(hi):
                raise BoxError("box: lo and hi must name the same inputs")
            names = tuple(lo)
            lows, highs = [lo[n] for n in names], [hi[n] for n in names]
        else:
            lows, highs = _listed(lo), _listed(hi)
        if len(lows) != len(highs) or not lows:
            raise BoxError(
                f"box: {len(lows)} lower and {len(highs)} upper arrays; give one pair per model input"
            )
        pairs = []
        for index, (low, high) in enumerate(zip(lows, highs, strict=True)):
            label = f"input {names[index]!r}" if names else f"input {index}"
            pairs.append(
                _pair(exact_float64(low, f"{label}, lo"), exact_float64(high, f"{label}, hi"), label)
            )
        for name, value in (
            ("lo", tuple(p[0] for p in pairs)),
            ("hi", tuple(p[1] for p in pairs)),
            ("names", names),
            ("origin", origin),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Box doesn't change; make another")

    def __repr__(self) -> str:
        return f"<gonogo.Box {self.origin}: {[list(a.shape) for a in self.lo]}>"

    # ---- ways to make one

    @classmethod
    def around(
        cls,
        sample: Values | Sequence[Values] | Mapping[str, Values],
        radius: float,
        clip: Clip = None,
        *,
        origin: str | None = None,
    ) -> Box:
        """Everything within `radius` of a sample in every element, rounded outward, then cut to ``clip=(lo, hi)``."""
        distance = _scalar(radius, "radius")
        return _around(cls, sample, distance, clip, origin or f"around a sample, radius {radius!r}")

    @classmethod
    def around_file(cls, path: str | os.PathLike[str], radius: float, clip: Clip = None) -> Box:
        """Like `around`, with the sample read from a .npy or .npz file (one array per input, by the inputs' names)."""
        source = Path(path)
        arrays = npz_arrays(source) if source.suffix.lower() == ".npz" else {"": read_array(source)}
        sample = next(iter(arrays.values())) if len(arrays) == 1 else arrays
        return cls.around(sample, radius, clip, origin=f"around {source.name}, radius {radius!r}")

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Box:
        """Reads a box file; see the module's text for the format."""
        source = Path(path)
        data = json_intervals(source)
        origin = f"file {source.name}"
        if not data or not all(isinstance(entry, dict) for entry in data.values()):
            lo, hi = _json_pair(data, source, "the box")
            return cls(lo, hi, origin=origin)
        pairs = {name: _json_pair(entry, source, f"input {name!r}") for name, entry in data.items()}
        return cls({n: p[0] for n, p in pairs.items()}, {n: p[1] for n, p in pairs.items()}, origin=origin)

    @classmethod
    def from_npz(cls, path: str | os.PathLike[str]) -> Box:
        """Reads ``lo`` and ``hi``, or ``<name>.lo`` and ``<name>.hi``, from a .npz archive."""
        source = Path(path)
        arrays = npz_arrays(source)
        origin = f"file {source.name}"
        if set(arrays) == {"lo", "hi"}:
            return cls(arrays["lo"], arrays["hi"], origin=origin)
        names = sorted({key[:-3] for key in arrays if key.endswith((".lo", ".hi"))})
        if not names or set(arrays) != {f"{n}.{end}" for n in names for end in ("lo", "hi")}:
            raise BoxError(
                f"{source}: holds {sorted(arrays)}; expected 'lo' and 'hi', or '<input>.lo' and '<input>.hi'"
            )
        return cls(
            {n: arrays[f"{n}.lo"] for n in names}, {n: arrays[f"{n}.hi"] for n in names}, origin=origin
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Box:
        """A .json or .npz box file."""
        return cls.from_npz(path) if Path(path).suffix.lower() == ".npz" else cls.from_json(path)

    @classmethod
    def from_data(
        cls,
        data: str | os.PathLike[str] | npt.NDArray[Any],
        percentiles: tuple[float, float] = (0.0, 100.0),
        *,
        key: str | None = None,
    ) -> Box:
        """Per-element percentiles of data: an array, a .npy file, or .npz with one array (or `key`), samples on axis 0.

        The ends are values of the data, the nearest ones outside the percentiles asked for: nothing is interpolated.
        BoxError for NaN, other types than numbers, no samples, or percentiles that aren't 0 <= lower <= upper <= 100.
        """
        source = "an array" if isinstance(data, np.ndarray) else str(data)
        short = source if isinstance(data, np.ndarray) else Path(data).name
        low, high = (Fraction(_scalar(p, "percentiles")) for p in percentiles)
        if not 0 <= low <= high <= 100:
            raise BoxError(f"box: percentiles {percentiles}; give 0 <= lower <= upper <= 100")
        values = exact_float64(data if isinstance(data, np.ndarray) else read_array(Path(data), key), source)
        if values.ndim < 2 or values.shape[0] == 0:
            raise BoxError(
                f"{source}: array of shape {list(values.shape)}; samples must lie along the first axis"
            )
        values.sort(axis=0)
        last = values.shape[0] - 1
        first_index = int(low * last / 100)
        last_index = -int(-high * last // 100)
        text = f"percentiles {percentiles[0]:g} to {percentiles[1]:g} of {short} ({last + 1} samples)"
        return cls(values[first_index], values[last_index], origin=text)

    @classmethod
    def from_odd(cls, ranges: odd.RangesLike, features: Sequence[str] | None = None) -> Box:
        """The operational design domain: named ranges of features, for a model whose input is a vector of these.

        Parameters
        ----------
        ranges : ``{"temperature": (-40, 85, "degC"), ...}``, or a table with lo, hi, unit, mean and std per feature,
            or the path of a .toml, .json or .csv file of such tables (see `gonogo.odd`). With mean and std the model
            reads (value - mean) / std, and the box is that, rounded outward.
        features : the order of the features in the model's input; by default that of `ranges`

        >>> Box.from_odd({"temperature": (-40, 85, "degC"), "pressure": (80, 110, "kPa")}).hi
        (array([ 85., 110.]),)
        """
        found, text = odd.features(ranges, features)
        lo, hi = (np.array(ends) for ends in zip(*((f.read.lower, f.read.upper) for f in found), strict=True))
        return cls(lo, hi, origin=text)

    @classmethod
    def whole_range(cls, deployed: Graph) -> Box:
        """All inputs that the deployed model can represent."""
        lo, hi = _core.whole_box(deployed)
        return cls(list(lo), list(hi), origin="the whole range the deployed model can represent")

    # ---- use

    def fit(self, graph: Graph) -> tuple[list[Array], list[Array]]:
        """The box's arrays in the order and shapes of a graph's inputs; a BoxError says what doesn't fit."""
        inputs = [graph.tensor(name) for name in graph.inputs]
        order = list(range(len(self.lo)))
        if self.names is not None:
            expected = [t.name for t in inputs]
            if set(expected) != set(self.names):
                raise BoxError(
                    f"{graph.source}: the box names inputs {sorted(self.names)}, the model has {expected}"
                )
            order = [self.names.index(name) for name in expected]
        if len(order) != len(inputs):
            raise BoxError(f"{graph.source}: the box is for {len(order)} inputs, the model has {len(inputs)}")
        lo, hi = [], []
        for tensor, index in zip(inputs, order, strict=True):
            shape = tuple(tensor.shape)
            what = f"{graph.source}: box for input '{tensor.name}'"
            lo.append(_shaped(self.lo[index], shape, what))
            hi.append(_shaped(self.hi[index], shape, what))
        return lo, hi

    def fit_many(self, graph: Graph) -> tuple[list[Array], list[Array]] | None:
        """The arrays of N boxes, shapes (N, ``*input shape``), in the order of a graph's inputs; None for one box.

        Many boxes have a leading axis: (N, ``*input shape``), or (N, ``*rest``) where the input's shape is (1,
        ``*rest``) and N isn't 1. Numbers without dimensions stand for every element of every box. A BoxError says which
        input has another number of boxes.
        """
        inputs = [graph.tensor(name) for name in graph.inputs]
        order = range(len(self.lo))
        if self.names is not None and set(self.names) == set(graph.inputs):
            order = [self.names.index(name) for name in graph.inputs]  # type: ignore[assignment]
        if len(order) != len(inputs):
            return None  # what is wrong, `fit` says
        counts = [_box_count(self.lo[k].shape, tuple(t.shape)) for t, k in zip(inputs, order, strict=True)]
        wanted = next((n for n in counts if n is not None), None)
        if wanted is None:
            return None
        lo: list[Array] = []
        hi: list[Array] = []
        for tensor, index, count in zip(inputs, order, counts, strict=True):
            if count != wanted and self.lo[index].shape != ():
                raise BoxError(
                    f"{graph.source}: boxes for input '{tensor.name}': shape {list(self.lo[index].shape)}; expected "
                    f"{wanted} boxes of shape {list(tensor.shape)}, as for the other inputs"
                )
            shape = (wanted, *tensor.shape)
            for ends, array in ((lo, self.lo[index]), (hi, self.hi[index])):
                ends.append(np.full(shape, array) if array.shape == () else array.reshape(shape))
        return lo, hi

    @classmethod
    def stacked(cls, boxes: Sequence[Box], graph: Graph) -> Box:
        """Several boxes of a graph's inputs as one, with a leading axis. A BoxError says which doesn't fit."""
        if not boxes:
            raise BoxError("box: an empty list of boxes")
        fitted = []
        for index, box in enumerate(boxes):
            if not isinstance(box, Box):
                raise BoxError(f"box {index}: {type(box).__name__} given; pass a list of gonogo.Box")
            try:
                fitted.append(box.fit(graph))
            except BoxError as problem:
                raise BoxError(f"box {index}: {problem}") from None
        lo, hi = (
            {name: np.stack([f[end][k] for f in fitted]) for k, name in enumerate(graph.inputs)}
            for end in (0, 1)
        )
        origins = list(dict.fromkeys(box.origin for box in boxes))
        more = f" and {len(origins) - 1} more" if len(origins) > 1 else ""
        return cls(lo, hi, origin=f"{len(boxes)} boxes: {origins[0]}{more}")

    @property
    def sha256(self) -> str:
        """Hash of the ends, for provenance."""
        digest = hashlib.sha256()
        for index, (low, high) in enumerate(zip(self.lo, self.hi, strict=True)):
            digest.update(repr((self.names[index] if self.names else index, low.shape)).encode())
            digest.update(low.astype("<f8").tobytes() + high.astype("<f8").tobytes())
        return digest.hexdigest()


def _scalar(value: object, what: str) -> float:
    array = exact_float64(value, what)
    if array.ndim:
        raise BoxError(f"box: {what}: an array of shape {list(array.shape)}; pass one number")
    return float(array)


def _listed(values: object) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _pair(low: Array, high: Array, label: str) -> tuple[Array, Array]:
    if low.shape != high.shape:
        if low.ndim and high.ndim:
            raise BoxError(f"box: {label}: lo has shape {list(low.shape)}, hi has {list(high.shape)}")
        shape = low.shape or high.shape
        low, high = (np.ascontiguousarray(np.broadcast_to(a, shape)) for a in (low, high))
    wrong = low > high
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise BoxError(f"box: {label}: lo {low[where]!r} is above hi {high[where]!r} at {list(where)}")
    low.flags.writeable = high.flags.writeable = False
    return low, high


def _shaped(array: Array, shape: tuple[int, ...], what: str) -> Array:
    if array.shape == () and shape != ():
        return np.full(shape, array)
    if array.shape == shape:
        return array
    if shape[:1] == (1,) and array.shape == shape[1:]:
        return np.ascontiguousarray(array.reshape(shape))
    raise BoxError(f"{what}: shape {list(array.shape)}; the model's input has shape {list(shape)}")


def _box_count(array: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """How many boxes an array's leading axis holds; None if it has none."""
    if array[1:] == shape and len(array) == len(shape) + 1:
        return array[0]
    # One sample per row, for an input that is a batch of one.
    if array != shape and len(array) == len(shape) >= 2 and shape[0] == 1 and array[1:] == shape[1:]:
        return array[0]
    return None


def _widened(low: Array, high: Array, radius: float) -> tuple[Array, Array]:
    """low - radius rounded down, high + radius rounded up."""
    distance = np.full(low.shape, radius)
    return numeric.directed("sub", low, distance)[0], numeric.directed("add", high, distance)[1]


def _around(
    cls: type[Box],
    sample: Values | Sequence[Values] | Mapping[str, Values],
    radius: float,
    clip: Clip,
    origin: str,
) -> Box:
    if radius < 0:
        raise BoxError(f"box: radius {radius!r} is negative")
    if clip is not None:
        if not (isinstance(clip, (tuple, list)) and len(clip) == 2):
            raise BoxError("box: clip must be a pair (lo, hi)")
        lowest, highest = (_scalar(end, "clip") for end in clip)
        origin += f", clipped to [{lowest!r}, {highest!r}]"

    def ends(values: Values) -> tuple[Array, Array]:
        array = exact_float64(values, "sample")
        low, high = _widened(array, array, radius)
        return (low, high) if clip is None else (np.maximum(low, lowest), np.minimum(high, highest))

    if isinstance(sample, Mapping):
        named = {name: ends(values) for name, values in sample.items()}
        return cls({n: e[0] for n, e in named.items()}, {n: e[1] for n, e in named.items()}, origin=origin)
    pairs = [ends(values) for values in _listed(sample)]
    return cls([p[0] for p in pairs], [p[1] for p in pairs], origin=origin)


def _json_pair(entry: object, source: Path, what: str) -> tuple[Array, Array]:
    """Lower and upper end of one input of a JSON box; every number arrives as an outward pair (lower, upper)."""
    if not isinstance(entry, dict):
        raise BoxError(f"{source}: {what}: must be an object with 'lo' and 'hi', or 'sample' and 'radius'")
    known = {"lo", "hi"} if "lo" in entry or "hi" in entry else {"sample", "radius", "clip"}
    needed = known - {"clip"}
    if not needed <= set(entry) <= known:
        raise BoxError(
            f"{source}: {what}: holds {sorted(entry)}; expected 'lo' and 'hi', or 'sample' and 'radius'"
        )
    if "lo" in entry:
        return _ends(entry["lo"], 0, source, what), _ends(entry["hi"], 1, source, what)
    smallest, radius = _one(entry["radius"], source, what + ", radius")
    if smallest < 0:
        raise BoxError(f"{source}: {what}: the radius is negative")
    low, high = (_ends(entry["sample"], end, source, what) for end in (0, 1))
    low, high = _widened(low, high, radius)
    if "clip" in entry:
        clip = entry["clip"]
        if not isinstance(clip, list) or len(clip) != 2:
            raise BoxError(f"{source}: {what}: 'clip' must be a pair [lo, hi]")
        low = np.maximum(low, _one(clip[0], source, what + ", clip")[0])
        high = np.minimum(high, _one(clip[1], source, what + ", clip")[1])
    return low, high


def _one(value: object, source: Path, what: str) -> tuple[float, float]:
    if not isinstance(value, tuple) or not all(np.isfinite(value)):
        raise BoxError(f"{source}: {what}: must be one finite number")
    return value[0], value[1]


def _ends(value: object, end: int, source: Path, what: str) -> Array:
    """The lower (end 0) or upper (end 1) ends of nested lists of number pairs."""
    shape: list[int] = []
    level = value
    while isinstance(level, list):
        shape.append(len(level))
        if not level or len(shape) > 8:
            raise BoxError(f"{source}: {what}: an empty or too deeply nested list")
        level = level[0]
    flat: list[object] = [value]
    for length in shape:
        for item in flat:
            if not isinstance(item, list) or len(item) != length:
                raise BoxError(f"{source}: {what}: the lists have different lengths")
        flat = [x for item in flat for x in item]  # type: ignore[attr-defined]
    for item in flat:
        if not isinstance(item, tuple):
            raise BoxError(f"{source}: {what}: {str(item)[:40]!r} isn't a number")
    return np.array([item[end] for item in flat], dtype=np.float64).reshape(shape)  # type: ignore[index]
