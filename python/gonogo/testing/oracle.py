"""The real function of every operator, in exact rational arithmetic.

Written from the operators' definitions, element by element, without regard to speed; it shares nothing with the core.
Values are numpy arrays of `fractions.Fraction`. Where the true value is irrational, it is enclosed to 50 digits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias, cast

import mpmath
import numpy as np
import numpy.typing as npt

Exact: TypeAlias = npt.NDArray[Any]  # of Fraction
Bracket: TypeAlias = tuple[Exact, Exact]  # lower and upper; the same array when the value is rational
Attributes: TypeAlias = Mapping[str, Any]

_DIGITS = 80
_TRUSTED = Fraction(1, 10**50)  # relative error that is certain at this many digits
_TINY = Fraction(1, 2**4000)  # below the smallest positive double by far
_CLAMPS: dict[str, tuple[Fraction | None, Fraction | None]] = {
    "none": (None, None),
    "relu": (Fraction(0), None),
    "relu6": (Fraction(0), Fraction(6)),
    "relu_n1_to_1": (Fraction(-1), Fraction(1)),
}


def exact(values: npt.ArrayLike) -> Exact:
    """Finite floats as the fractions they are."""
    array = np.asarray(values)
    out = np.empty(array.shape, dtype=object)
    for index in np.ndindex(*array.shape):
        out[index] = Fraction(float(array[index]))
    return out


def evaluate(op: str, inputs: Sequence[Exact | None], attributes: Attributes) -> Bracket:
    """Lower and upper bounds of the operator's real value, equal but for irrational functions."""
    found = _RULES[op](list(inputs), attributes)
    lower, upper = found if isinstance(found, tuple) else (found, found)
    lo, hi = _CLAMPS[str(attributes.get("activation", "none"))]
    return _clamped(lower, lo, hi), _clamped(upper, lo, hi)


def _clamped(x: Exact, lo: Fraction | None, hi: Fraction | None) -> Exact:
    return _each(
        x, lambda v: v if lo is None or v >= lo else lo, lambda v: v if hi is None or v <= hi else hi
    )


def _each(x: Exact, *functions: Callable[[Fraction], Fraction]) -> Exact:
    out: Exact = np.empty(x.shape, dtype=object)
    for index in np.ndindex(*x.shape):
        value = cast(Fraction, x[index])
        for function in functions:
            value = function(value)
        out[index] = value
    return out


def _given(inputs: list[Exact | None], i: int) -> Exact:
    value = inputs[i]
    assert value is not None
    return value


# ---- affine


def _dense(inputs: list[Exact | None], a: Attributes) -> Exact:
    x, w = _given(inputs, 0), _given(inputs, 1)
    rows = x.reshape(-1, w.shape[1])
    bias = inputs[2] if len(inputs) > 2 and inputs[2] is not None else [Fraction(0)] * len(w)
    y = np.empty((len(rows), len(w)), dtype=object)
    for r, o in np.ndindex(*y.shape):
        y[r, o] = sum((p * q for p, q in zip(rows[r], w[o], strict=True)), Fraction(0)) + bias[o]
    return y.reshape(*x.shape[:-1], len(w)) if a.get("keep_dims", 1) else y


class _Window:
    """A sliding window over height and width; images are [batch, height, width, channels] inside."""

    def __init__(self, shape: tuple[int, ...], kernel: Sequence[int], a: Attributes) -> None:
        self.kernel, self.strides = kernel, a["strides"]
        self.dilations = a.get("dilations", [1, 1])
        self.size, self.before, self.out = shape[1:3], [0, 0], [0, 0]
        for d in range(2):
            reach = (kernel[d] - 1) * self.dilations[d] + 1
            total = 0
            if a["padding"] == "same":
                self.out[d] = -(-self.size[d] // self.strides[d])
                total = max((self.out[d] - 1) * self.strides[d] + reach - self.size[d], 0)
                self.before[d] = total // 2
            else:
                if a["padding"] == "explicit":
                    self.before[d] = a["pads"][d]
                    total = a["pads"][d] + a["pads"][d + 2]
                self.out[d] = (self.size[d] + total - reach) // self.strides[d] + 1

    def taps(self, i: int, j: int) -> Iterator[tuple[int, int, int, int]]:
        """Kernel row and column, image row and column, of the taps inside the image."""
        for k, m in itertools.product(range(self.kernel[0]), range(self.kernel[1])):
            row = i * self.strides[0] - self.before[0] + k * self.dilations[0]
            column = j * self.strides[1] - self.before[1] + m * self.dilations[1]
            if 0 <= row < self.size[0] and 0 <= column < self.size[1]:
                yield k, m, row, column


def _channels_last(x: Exact, a: Attributes) -> Exact:
    return np.transpose(x, (0, 2, 3, 1)) if a.get("layout", "NHWC") == "NCHW" else x


def _layout_back(y: Exact, a: Attributes) -> Exact:
    return np.transpose(y, (0, 3, 1, 2)) if a.get("layout", "NHWC") == "NCHW" else y


def _conv(inputs: list[Exact | None], a: Attributes) -> Exact:
    x, w = _channels_last(_given(inputs, 0), a), _given(inputs, 1)
    bias = inputs[2] if len(inputs) > 2 and inputs[2] is not None else [Fraction(0)] * len(w)
    window = _Window(x.shape, w.shape[1:3], a)
    outs, each = len(w) // a.get("groups", 1), w.shape[3]
    y = np.empty((len(x), *window.out, len(w)), dtype=object)
    for b, i, j, o in np.ndindex(*y.shape):
        first = o // outs * each
        y[b, i, j, o] = bias[o] + sum(
            (w[o, k, m, c] * x[b, r, s, first + c] for k, m, r, s in window.taps(i, j) for c in range(each)),
            Fraction(0),
        )
    return _layout_back(y, a)


def _depthwise(inputs: list[Exact | None], a: Attributes) -> Exact:
    x, w = _channels_last(_given(inputs, 0), a), _given(inputs, 1)
    channels = w.shape[3]
    bias = inputs[2] if len(inputs) > 2 and inputs[2] is not None else [Fraction(0)] * channels
    window = _Window(x.shape, w.shape[1:3], a)
    y = np.empty((len(x), *window.out, channels), dtype=object)
    for b, i, j, o in np.ndindex(*y.shape):
        c = o * x.shape[3] // channels
        y[b, i, j, o] = bias[o] + sum(
            (w[0, k, m, o] * x[b, r, s, c] for k, m, r, s in window.taps(i, j)), Fraction(0)
        )
    return _layout_back(y, a)


def _batch_norm(inputs: list[Exact | None], a: Attributes) -> Bracket:
    x, scale, bias, mean, variance = (_given(inputs, i) for i in range(5))
    lower, upper = np.empty(x.shape, dtype=object), np.empty(x.shape, dtype=object)
    for index in np.ndindex(*x.shape):
        c = index[a["axis"]]
        root = _mp(lambda v: 1 / mpmath.sqrt(v), variance[c] + Fraction(a["epsilon"]))
        product = (x[index] - mean[c]) * scale[c] * root
        slack = abs(product) * _TRUSTED
        lower[index], upper[index] = product + bias[c] - slack, product + bias[c] + slack
    return lower, upper


# ---- element by element


def _binary(
    function: Callable[[Fraction, Fraction], Fraction],
) -> Callable[[list[Exact | None], Attributes], Exact]:
    def rule(inputs: list[Exact | None], a: Attributes) -> Exact:
        left, right = np.broadcast_arrays(_given(inputs, 0), _given(inputs, 1))
        out = np.empty(left.shape, dtype=object)
        for index in np.ndindex(*out.shape):
            out[index] = function(cast(Fraction, left[index]), cast(Fraction, right[index]))
        return out

    return rule


def _leaky_relu(inputs: list[Exact | None], a: Attributes) -> Exact:
    alpha = Fraction(a["alpha"])
    return _each(_given(inputs, 0), lambda v: v if v >= 0 else alpha * v)


def _clip(inputs: list[Exact | None], a: Attributes) -> Exact:
    lo, hi = (None if math.isinf(a[k]) else Fraction(a[k]) for k in ("min", "max"))
    return _clamped(_given(inputs, 0), lo, hi)


def _mp(function: Callable[[Any], Any], value: Fraction) -> Fraction:
    """A function of a fraction, to within `_TRUSTED` of itself, or `_TINY` if that is more."""
    with mpmath.workdps(_DIGITS):
        return _fraction(function(mpmath.mpf(value.numerator) / value.denominator))


def _fraction(value: Any) -> Fraction:
    if abs(value) < mpmath.mpf(2) ** -4000:
        return Fraction(0)  # writing exp(-1e18) out would take all memory there is
    sign, mantissa, exponent, _ = value._mpf_
    magnitude = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -magnitude if sign else magnitude


def _around(values: Exact) -> Bracket:
    def slack(v: Fraction) -> Fraction:
        return max(abs(v) * _TRUSTED, _TINY)

    return _each(values, lambda v: v - slack(v)), _each(values, lambda v: v + slack(v))


def _sigmoid(inputs: list[Exact | None], a: Attributes) -> Bracket:
    return _around(_each(_given(inputs, 0), lambda v: _mp(lambda t: 1 / (1 + mpmath.exp(-t)), v)))


def _tanh(inputs: list[Exact | None], a: Attributes) -> Bracket:
    return _around(_each(_given(inputs, 0), lambda v: _mp(mpmath.tanh, v)))


def _softmax(inputs: list[Exact | None], a: Attributes) -> Bracket:
    x = np.moveaxis(_given(inputs, 0), a["axis"], -1)
    y = np.empty(x.shape, dtype=object)
    with mpmath.workdps(_DIGITS):
        for index in np.ndindex(*x.shape[:-1]):
            beta, largest = Fraction(a["beta"]), max(x[index])
            powers = [
                mpmath.exp(mpmath.mpf(t.numerator) / t.denominator) for t in beta * (x[index] - largest)
            ]
            total = mpmath.fsum(powers)
            for c, power in enumerate(powers):
                y[(*index, c)] = _fraction(power / total)
    return _around(np.moveaxis(y, -1, a["axis"]))


# ---- windows and axes


def _pool(average: bool) -> Callable[[list[Exact | None], Attributes], Exact]:
    def rule(inputs: list[Exact | None], a: Attributes) -> Exact:
        x = _channels_last(_given(inputs, 0), a)
        window = _Window(x.shape, a["kernel"], a)
        y = np.empty((len(x), *window.out, x.shape[3]), dtype=object)
        for b, i, j, c in np.ndindex(*y.shape):
            seen = [x[b, r, s, c] for _, _, r, s in window.taps(i, j)]
            if average:
                count = math.prod(a["kernel"]) if a.get("count_include_pad", 0) else len(seen)
                y[b, i, j, c] = sum(seen, Fraction(0)) / count
            else:
                y[b, i, j, c] = max(seen)
        return _layout_back(y, a)

    return rule


def _mean(inputs: list[Exact | None], a: Attributes) -> Exact:
    x = _given(inputs, 0)
    axes = tuple(d % x.ndim for d in a["axes"])
    total = np.asarray(x.sum(axis=axes, keepdims=bool(a.get("keep_dims", 1))), dtype=object)
    count = math.prod(x.shape[d] for d in axes)
    return _each(total, lambda v: v / count)


def _global_average_pool(inputs: list[Exact | None], a: Attributes) -> Exact:
    axes = [2, 3] if a.get("layout", "NHWC") == "NCHW" else [1, 2]
    return _mean(inputs, {"axes": axes, "keep_dims": 1})


# ---- movement


def _same(inputs: list[Exact | None], a: Attributes) -> Exact:
    return _given(inputs, 0)


def _pad(inputs: list[Exact | None], a: Attributes) -> Exact:
    x = _given(inputs, 0)
    width = list(zip(a["pads"][: x.ndim], a["pads"][x.ndim :], strict=True))
    return np.pad(x, width, constant_values=np.array(Fraction(a["value"]), dtype=object))


def _strided_slice(inputs: list[Exact | None], a: Attributes) -> Exact:
    ranges = zip(a["begin"], a["end"], a["strides"], strict=True)
    return _given(inputs, 0)[tuple(slice(*r) for r in ranges)]


_RULES: dict[str, Callable[[list[Exact | None], Attributes], Exact | Bracket]] = {
    "dense": _dense,
    "conv2d": _conv,
    "depthwise_conv2d": _depthwise,
    "batch_norm": _batch_norm,
    "add": _binary(lambda x, y: x + y),
    "sub": _binary(lambda x, y: x - y),
    "mul": _binary(lambda x, y: x * y),
    "relu": lambda inputs, a: _clamped(_given(inputs, 0), Fraction(0), None),
    "relu6": lambda inputs, a: _clamped(_given(inputs, 0), Fraction(0), Fraction(6)),
    "leaky_relu": _leaky_relu,
    "clip": _clip,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "softmax": _softmax,
    "max_pool2d": _pool(average=False),
    "average_pool2d": _pool(average=True),
    "global_average_pool": _global_average_pool,
    "mean": _mean,
    "identity": _same,
    "reshape": lambda inputs, a: _given(inputs, 0).reshape(a["shape"]),
    "transpose": lambda inputs, a: np.transpose(_given(inputs, 0), a["perm"]),
    "concat": lambda inputs, a: np.concatenate(
        [_given(inputs, i) for i in range(len(inputs))], axis=a["axis"]
    ),
    "pad": _pad,
    "strided_slice": _strided_slice,
    # In real arithmetic quantisation changes nothing.
    "quantize": _same,
    "dequantize": _same,
}
