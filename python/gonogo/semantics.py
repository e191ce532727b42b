"""What arithmetic a device computes in: fixed point, floating point in any order of summation, integers and finer ones.

>>> import gonogo as gg
>>> gg.FixedPoint(weights=gg.Word(8, 7), activations=gg.Word(8, 4)).rounding
'half_up'
>>> str(gg.FixedPoint.uniform(bits=8, fraction_bits=6))
'fixed:8.6'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Union, get_args

Rounding = Literal["half_up", "half_away", "half_even", "floor"]
Overflow = Literal["saturate", "wrap"]

_TEXT = re.compile(r"fixed:(\d+)\.(-?\d+)")


def _choice(owner: str, name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{owner}: {name}={value!r} isn't known; use one of {', '.join(known)}")


def _word(owner: str, name: str, value: object) -> None:
    if not isinstance(value, Word):
        raise TypeError(f"{owner}: {name}={value!r}; give a gonogo.Word(bits, fraction_bits)")


@dataclass(frozen=True)
class Word:
    """An integer of so many bits that stands for integer / 2**fraction_bits.

    Signed words are two's complement. `fraction_bits` may be negative, or exceed `bits`.
    """

    bits: int
    fraction_bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        least = 2 if self.signed else 1
        if not (isinstance(self.bits, int) and least <= self.bits <= 53):
            raise ValueError(f"Word: bits={self.bits!r}; give {least} to 53")
        if not (isinstance(self.fraction_bits, int) and -64 <= self.fraction_bits <= 128):
            raise ValueError(f"Word: fraction_bits={self.fraction_bits!r}; give -64 to 128")

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.bits}.{self.fraction_bits}"

    def plain(self) -> tuple[int, int, bool]:
        """The values, for the core."""
        return self.bits, self.fraction_bits, bool(self.signed)


@dataclass(frozen=True)
class FixedLayer:
    """What one node has instead of the network's words.

    weights, bias, output : Word, or None for the network's
    exact_output : the node's exact sum is its output, neither rounded nor cut
    shift : a `mul` or `batch_norm` node multiplies by 2**-shift, exactly, whatever its constant is in the model
        (pixels: the model divides by 255, the device by 256)
    """

    weights: Word | None = None
    bias: Word | None = None
    output: Word | None = None
    exact_output: bool = False
    shift: int | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "bias", "output"):
            if getattr(self, name) is not None:
                _word("FixedLayer", name, getattr(self, name))
        if self.exact_output and self.output is not None:
            raise ValueError("FixedLayer: output and exact_output; give one of them")
        if self.shift is not None and not (isinstance(self.shift, int) and 0 <= self.shift <= 60):
            raise ValueError(f"FixedLayer: shift={self.shift!r}; give 0 to 60")

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        words = {name: getattr(self, name) for name in ("weights", "bias", "output")}
        return {name: None if w is None else w.plain() for name, w in words.items()} | {
            "exact_output": bool(self.exact_output),
            "shift": self.shift,
        }


@dataclass(frozen=True)
class FixedPoint:
    """Fixed point: every operator's result is formed exactly, rounded once into its word, and saturated there.

    weights, activations : Word
    bias, input : Word; the weights' and the activations' by default
    rounding : of results and inputs; 'half_up', 'half_away', 'half_even' (to nearest, by what becomes of ties), 'floor'
    constant_rounding : of weights and biases, which saturate; `rounding` by default
    overflow : 'saturate', or 'wrap': then it is proved that nothing wraps around, or OverflowRiskError says where
    input_gain : the device reads input_gain * x
    input_exact : inputs are numbers of the input word as they come (pixels, counts of a converter); others don't occur
    layers : FixedLayer by node name, for what differs
    """

    weights: Word
    activations: Word
    bias: Word | None = None
    input: Word | None = None
    rounding: Rounding = "half_up"
    constant_rounding: Rounding | None = None
    overflow: Overflow = "saturate"
    input_gain: float = 1.0
    input_exact: bool = False
    layers: Mapping[str, FixedLayer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _word("FixedPoint", "weights", self.weights)
        _word("FixedPoint", "activations", self.activations)
        for name in ("bias", "input"):
            if getattr(self, name) is not None:
                _word("FixedPoint", name, getattr(self, name))
        _choice("FixedPoint", "rounding", self.rounding, get_args(Rounding))
        if self.constant_rounding is not None:
            _choice("FixedPoint", "constant_rounding", self.constant_rounding, get_args(Rounding))
        _choice("FixedPoint", "overflow", self.overflow, get_args(Overflow))
        if not 2.0**-64 <= self.input_gain <= 2.0**64:
            raise ValueError(
                f"FixedPoint: input_gain={self.input_gain!r}; give a positive number, 2**-64 to 2**64"
            )
        for name, layer in self.layers.items():
            if not isinstance(layer, FixedLayer):
                raise TypeError(f"FixedPoint: layers[{name!r}]={layer!r}; give a gonogo.FixedLayer")
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))

    def __hash__(self) -> int:
        return hash((self.weights, self.activations, self.bias, self.input, tuple(self.layers)))

    @classmethod
    def uniform(cls, bits: int, fraction_bits: int, **more: Any) -> FixedPoint:
        """One signed word for everything."""
        word = Word(bits, fraction_bits)
        return cls(word, word, **more)

    def __str__(self) -> str:
        words = [self.weights, self.activations, self.bias or self.weights, self.input or self.activations]
        if self == FixedPoint.uniform(self.weights.bits, self.weights.fraction_bits):
            return f"fixed:{self.weights.bits}.{self.weights.fraction_bits}"
        text = "weights {}, activations {}, bias {}, input {}".format(*words)
        own = f", {len(self.layers)} nodes with their own words" if self.layers else ""
        return f"fixed point ({text}, {self.rounding}, {self.overflow}{own})"

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        return {
            "kind": "fixed_point",
            "weights": self.weights.plain(),
            "activations": self.activations.plain(),
            "bias": (self.bias or self.weights).plain(),
            "input": (self.input or self.activations).plain(),
            "rounding": self.rounding,
            "constant_rounding": self.constant_rounding or self.rounding,
            "wrap": self.overflow == "wrap",
            "input_gain": float(self.input_gain),
            "input_exact": bool(self.input_exact),
            "layers": {name: layer.plain() for name, layer in self.layers.items()},
        }


Format = Literal["float16", "bfloat16", "float32", "float64"]

_DIGITS = {"bfloat16": 8, "float16": 11, "float32": 24, "float64": 53}


def _floating_point(owner: str, activations: str, self: Float32 | Float16 | BFloat16) -> dict[str, Any]:
    """Checked values, for the core."""
    weights = self.weights if isinstance(self, Float32) else activations
    _choice(owner, "accumulate", self.accumulate, get_args(Format))
    _choice(owner, "weights", weights, ("float16", "bfloat16", "float32"))
    _choice(owner, "order", self.order, ("any",))
    if _DIGITS[self.accumulate] < _DIGITS[activations] or (owner, self.accumulate) == ("BFloat16", "float16"):
        raise ValueError(f"{owner}: accumulate={self.accumulate!r} is narrower than {activations}")
    if not 1 <= self.function_ulps <= 1e6:
        raise ValueError(f"{owner}: function_ulps={self.function_ulps!r}; give 1 to a million")
    return {
        "kind": "floating_point",
        "activations": activations,
        "weights": weights,
        "accumulator": self.accumulate,
        "may_flush": bool(self.flush_to_zero),
        "function_ulps": float(self.function_ulps),
    }


def _text(name: str, self: Float32 | Float16 | BFloat16) -> str:
    flush = "may flush subnormals" if self.flush_to_zero else "keeps subnormals"
    weights = (
        f", weights in {self.weights}" if isinstance(self, Float32) and self.weights != "float32" else ""
    )
    return f"{name} (sums in {self.accumulate}, any order, {flush}{weights})"


@dataclass(frozen=True)
class Float32:
    """float32, to nearest: every order of summation, number of partial sums and choice of fused multiply-adds.

    accumulate : what sums of products are formed in, 'float32' or 'float64'
    flush_to_zero : subnormal numbers may count as zero anywhere (FTZ, DAZ); False if the device keeps them
    order : 'any'
    weights : what weights and biases are stored in: 'float32', 'float16' or 'bfloat16'; weights that the model keeps as
        integers are dequantised into it
    function_ulps : accuracy of the device's exp, tanh and sigmoid, in units in the last place
    """

    accumulate: Format = "float32"
    flush_to_zero: bool = True
    order: Literal["any"] = "any"
    weights: Format = "float32"
    function_ulps: float = 4.0

    def __post_init__(self) -> None:
        self.plain()

    def __str__(self) -> str:
        return _text("float32", self)

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        return _floating_point("Float32", "float32", self)


@dataclass(frozen=True)
class Float16:
    """float16 activations, weights and biases, to nearest; sums in `accumulate`, in any order, rounded when stored.

    The other parameters are those of Float32.
    """

    accumulate: Format = "float32"
    flush_to_zero: bool = True
    order: Literal["any"] = "any"
    function_ulps: float = 4.0

    def __post_init__(self) -> None:
        self.plain()

    def __str__(self) -> str:
        return _text("float16", self)

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        return _floating_point("Float16", "float16", self)


@dataclass(frozen=True)
class BFloat16:
    """bfloat16 activations, weights and biases, to nearest; sums in `accumulate`, in any order, rounded when stored.

    The other parameters are those of Float32.
    """

    accumulate: Format = "float32"
    flush_to_zero: bool = True
    order: Literal["any"] = "any"
    function_ulps: float = 4.0

    def __post_init__(self) -> None:
        self.plain()

    def __str__(self) -> str:
        return _text("bfloat16", self)

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        return _floating_point("BFloat16", "bfloat16", self)


Kept = Literal["int16", "real"]


@dataclass(frozen=True)
class Mixed:
    """Integer kernels of a profile, but some operators keep a finer result than 8 bits.

    keep : what each of these nodes keeps, by name; 'input' is the quantiser in front of the network
        'int16' : 16 bits over the range of the tensor's 8 bits (scale / 256), rounded once to nearest
        'real' : a real number; nothing is rounded, and nothing but the node's own activation cuts
    profile : what the others run on. Behind a kept result they compute with what they read and round no more than that
        profile's kernel does

    >>> str(Mixed({"conv": "int16"}, profile="ort"))
    "ort, 'conv' in int16"
    """

    keep: Mapping[str, Kept]
    profile: str = "tflm"

    def __post_init__(self) -> None:
        for name, kept in self.keep.items():
            _choice("Mixed", f"keep[{name!r}]", kept, get_args(Kept))
        object.__setattr__(self, "keep", MappingProxyType(dict(self.keep)))

    def __hash__(self) -> int:
        return hash((self.profile, tuple(sorted(self.keep.items()))))

    def __str__(self) -> str:
        return ", ".join([self.profile, *(f"{name!r} in {kept}" for name, kept in self.keep.items())])

    def plain(self) -> dict[str, Any]:
        """The values, for the core."""
        return {"kind": "mixed_integers", "profile": self.profile, "keep": dict(self.keep)}


Arithmetic = Union[FixedPoint, Float32, Float16, BFloat16, Mixed]
SemanticsLike = Union[str, Arithmetic]

NAMES = ("real", "tflm", "ort", "float32", "float16", "bfloat16")


def parse(semantics: SemanticsLike, what: str = "semantics") -> str | Arithmetic:
    """A name, an object, or a text such as 'fixed:8.6' (8 bits, 6 of them after the point)."""
    if isinstance(semantics, (FixedPoint, Float32, Float16, BFloat16, Mixed)):
        return semantics
    if not isinstance(semantics, str):
        raise TypeError(
            f"{what}: {type(semantics).__name__} given; pass a name ({', '.join(NAMES)}), or a gonogo.FixedPoint, "
            "Float32, Float16, BFloat16 or Mixed"
        )
    found = _TEXT.fullmatch(semantics)
    if found:
        return FixedPoint.uniform(int(found[1]), int(found[2]))
    floats: dict[str, Arithmetic] = {"float32": Float32(), "float16": Float16(), "bfloat16": BFloat16()}
    if semantics in floats:
        return floats[semantics]
    if semantics in NAMES:
        return semantics
    raise ValueError(
        f"{what}: {semantics!r} isn't known; use one of {', '.join(NAMES)}, or 'fixed:BITS.FRACTION_BITS'"
    )


def plain(semantics: str | Arithmetic) -> str | dict[str, Any]:
    """What the core takes."""
    return semantics if isinstance(semantics, str) else semantics.plain()
