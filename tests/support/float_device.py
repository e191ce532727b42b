"""A floating-point device in fractions: any format, any order, fused or not, flushing or not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import gonogo as gg
import mpmath

# precision, least exponent, greatest exponent
FORMATS = {
    "float16": (11, -14, 15),
    "bfloat16": (8, -126, 127),
    "float32": (24, -126, 127),
    "float64": (53, -1022, 1023),
}
Vector = list[Fraction]


class OverflowOnDevice(Exception):  # noqa: N818
    """Infinity, on the device."""


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def round_to(z: Fraction, form: str) -> Fraction:
    """To nearest, ties to even, subnormals kept."""
    if z == 0:
        return z
    precision, least, greatest = FORMATS[form]
    exponent = abs(z.numerator).bit_length() - z.denominator.bit_length()
    exponent -= power(exponent) > abs(z)
    step = power(max(exponent, least) - precision + 1)
    rounded = round(z / step) * step
    if abs(rounded) >= power(greatest + 1):
        raise OverflowOnDevice
    return rounded


FAR = Fraction(1000)  # e^-1000 is below every format here, and 1 - e^-1000 is 1 in all of them


def tanh(z: Fraction) -> Fraction:
    return from_mp(mpmath.tanh(to_mp(max(min(z, FAR), -FAR))))


def sigmoid(z: Fraction) -> Fraction:
    return from_mp(1 / (1 + mpmath.exp(-to_mp(max(min(z, FAR), -FAR)))))


def exp(z: Fraction) -> Fraction:
    return from_mp(mpmath.exp(to_mp(max(z, -FAR))))


def to_mp(z: Fraction) -> Any:
    return mpmath.mpf(z.numerator) / z.denominator


def from_mp(z: Any) -> Fraction:
    n, e = mpmath.frexp(z)
    return Fraction(int(mpmath.ldexp(n, mpmath.mp.prec))) * power(int(e) - mpmath.mp.prec)


@dataclass
class Device:
    """One run of a device: every choice that it is free to make is made at random, the same for a whole run or not."""

    semantics: gg.Float32 | gg.Float16 | gg.BFloat16
    random: random.Random
    flush_results: bool = False
    flush_operands: bool = False
    style: str = "random"

    @property
    def values(self) -> str:
        return str(self.semantics.plain()["activations"])

    @property
    def weights(self) -> str:
        return str(self.semantics.plain()["weights"])

    @property
    def accumulator(self) -> str:
        return self.semantics.accumulate

    def read(self, x: Fraction, form: str) -> Fraction:
        return Fraction(0) if self.flush_operands and abs(x) < power(FORMATS[form][1]) else x

    def result(self, z: Fraction, form: str) -> Fraction:
        rounded = round_to(z, form)
        return Fraction(0) if self.flush_results and abs(rounded) < power(FORMATS[form][1]) else rounded

    def store(self, z: Fraction) -> Fraction:
        """What has been formed in the accumulator's format goes into memory."""
        return z if self.values == self.accumulator else self.result(z, self.values)

    def dot(self, w: Sequence[Fraction], x: Sequence[Fraction], bias: Fraction | None) -> Fraction:
        wide = self.style == "wide" or (self.style == "random" and self.random.random() < 0.1)
        form = "float64" if wide else self.accumulator
        terms = [(self.read(a, self.weights), self.read(b, self.values)) for a, b in zip(w, x, strict=True)]
        if self.style in ("random", "wide"):
            self.random.shuffle(terms)
        waiting: list[tuple[Fraction, Fraction] | Fraction] = list(terms)
        if bias is not None:
            waiting.insert(self.random.randrange(len(waiting) + 1), self.read(bias, self.weights))
        partial: list[Fraction] = []
        lanes = {"sequential": 1, "blocked": 8}.get(self.style, self.random.choice([1, 2, 8]))
        fused = self.random.random()

        def add(a: Fraction, b: Fraction) -> Fraction:
            return self.result(self.read(a, form) + self.read(b, form), form)

        for i, term in enumerate(waiting):
            number = isinstance(term, Fraction)
            if i < lanes:
                partial.append(term if number else self.result(term[0] * term[1], form))  # type: ignore[index, arg-type]
            elif number:
                partial[i % lanes] = add(partial[i % lanes], term)  # type: ignore[arg-type]
            elif self.random.random() < fused:
                exact = term[0] * term[1] + self.read(partial[i % lanes], form)  # type: ignore[index]
                partial[i % lanes] = self.result(exact, form)
            else:
                product = self.result(term[0] * term[1], form)  # type: ignore[index]
                partial[i % lanes] = add(partial[i % lanes], product)
        while len(partial) > 1:
            a, b = (partial.pop(self.random.randrange(len(partial))) for _ in range(2))
            partial.append(add(a, b))
        return self.store(self.result(partial[0], self.accumulator))

    def operation(self, z: Fraction) -> Fraction:
        """One operation on stored numbers: in their format, or in the accumulator's."""
        if self.random.random() < 0.5:
            return self.result(z, self.values)
        return self.store(self.result(z, self.accumulator))

    def function(self, z: Fraction, form: str) -> Fraction:
        """A library's result, off by up to so many ulp of the exact one."""
        precision, least, _ = FORMATS[form]
        exponent = least if z == 0 else abs(z.numerator).bit_length() - z.denominator.bit_length()
        exponent -= z != 0 and power(exponent) > abs(z)
        ulp = power(max(exponent, least) - precision + 1)
        most = Fraction(self.semantics.function_ulps) - Fraction(1, 2)
        return self.result(
            z + ulp * most * Fraction(self.random.choice([-1.0, 1.0, self.random.uniform(-1, 1)])), form
        )


def random_semantics(seed: int) -> gg.Float32 | gg.Float16 | gg.BFloat16:
    r = random.Random(seed)
    flush = r.random() < 0.5
    return r.choice(
        [
            lambda: gg.Float32(flush_to_zero=flush),
            lambda: gg.Float32(accumulate="float64", flush_to_zero=flush),
            lambda: gg.Float32(weights="float16", flush_to_zero=flush),
            lambda: gg.Float32(weights="bfloat16", flush_to_zero=flush),
            lambda: gg.Float16(flush_to_zero=flush),
            lambda: gg.Float16(accumulate="float16", flush_to_zero=flush),
            lambda: gg.BFloat16(flush_to_zero=flush),
            lambda: gg.BFloat16(accumulate="bfloat16", flush_to_zero=flush),
        ]
    )()


def devices(semantics: gg.Float32 | gg.Float16 | gg.BFloat16, seed: int) -> list[Device]:
    r = random.Random(seed)
    flushing = [False, True] if semantics.flush_to_zero else [False]
    return [
        Device(semantics, r, results, operands, style)
        for style in ("sequential", "blocked", "wide", "random", "random")
        for results, operands in [(r.choice(flushing), r.choice(flushing))]
    ]
