"""Bounds on a device's rounding errors, against exact simulations of such devices.

The oracle rounds rational numbers: any format, any order of summation, fused or not, flushing or not. Nothing here
shares a formula with the code.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from gonogo import _core, roundoff
from gonogo._core import numeric

Format = tuple[int, int, int]
TINY: Format = (2, -1, 6)  # few numbers, so that all of them can be tried; no overflow in three terms
FORMATS: dict[str, Format] = numeric.float_formats


def round_to(z: Fraction, form: Format) -> Fraction:
    """To nearest, ties to even, subnormals kept."""
    precision, least, _ = form
    if z == 0:
        return z
    exponent = least
    while abs(z) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    step = Fraction(2) ** (exponent - precision + 1)
    quotient = z / step
    floor = quotient.numerator // quotient.denominator
    rest = quotient - floor
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor % 2 == 1)
    return (floor + up) * step


class Device:
    """Arithmetic of one device: every result and operand passes here."""

    def __init__(self, form: Format, *, flush_results: bool = False, flush_operands: bool = False) -> None:
        self.form = form
        self.normal = Fraction(2) ** form[1]
        self.flush_results, self.flush_operands = flush_results, flush_operands

    def read(self, x: Fraction) -> Fraction:
        return Fraction(0) if self.flush_operands and abs(x) < self.normal else x

    def result(self, z: Fraction) -> Fraction:
        rounded = round_to(z, self.form)
        return Fraction(0) if self.flush_results and abs(rounded) < self.normal else rounded

    def multiply(self, a: Fraction, b: Fraction) -> Fraction:
        return self.result(self.read(a) * self.read(b))

    def add(self, a: Fraction, b: Fraction) -> Fraction:
        return self.result(self.read(a) + self.read(b))

    def multiply_add(self, a: Fraction, b: Fraction, c: Fraction) -> Fraction:
        return self.result(self.read(a) * self.read(b) + self.read(c))


def devices(form: Format) -> list[Device]:
    choices = itertools.product([False, True], repeat=2)
    return [Device(form, flush_results=r, flush_operands=o) for r, o in choices]


def numbers(form: Format, greatest: int) -> list[Fraction]:
    """All numbers of the format below 2^(greatest + 1), both signs."""
    precision, least, _ = form
    steps = 2 ** (precision - 1)
    found = {Fraction(k) * Fraction(2) ** (least - precision + 1) for k in range(steps)}
    for exponent in range(least, greatest + 1):
        found |= {Fraction(steps + k) * Fraction(2) ** (exponent - precision + 1) for k in range(steps)}
    return sorted(found | {-x for x in found})


def bound(device: Device, w: Sequence[Fraction], x: Sequence[Fraction], **options: Any) -> Fraction:
    flush = device.flush_results or device.flush_operands
    sums = round_up(sum((abs(a * b) for a, b in zip(w, x, strict=True)), Fraction(0)))
    operands = round_up(sum((abs(a) + abs(b) for a, b in zip(w, x, strict=True)), Fraction(0)))
    error = numeric.dot_error(
        device.form, len(w), float(sums), sum_operands=float(operands), may_flush=flush, **options
    )
    assert error < float("inf")
    return Fraction(error)


def exact(w: Sequence[Fraction], x: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(w, x, strict=True)), Fraction(0))


@pytest.mark.soundness
@pytest.mark.parametrize("device", devices(TINY), ids=["plain", "daz", "ftz", "both"])
def test_every_dot_product_of_two_terms(device: Device) -> None:
    """A format of two bits: every operand, fused on either side or not at all."""
    few = [v for v in numbers(TINY, 0) if v >= 0] + [Fraction(-3, 4)]
    for w0, x0, w1, x1 in itertools.product(few, repeat=4):
        allowed = bound(device, (w0, w1), (x0, x1))
        truth = w0 * x0 + w1 * x1
        p0, p1 = device.multiply(w0, x0), device.multiply(w1, x1)
        for computed in (
            device.add(p0, p1),
            device.multiply_add(w0, x0, p1),
            device.multiply_add(w1, x1, p0),
        ):
            assert abs(computed - truth) <= allowed, (w0, x0, w1, x1)


@pytest.mark.soundness
@pytest.mark.parametrize("device", devices(TINY), ids=["plain", "daz", "ftz", "both"])
def test_every_sum_of_three(device: Device) -> None:
    one = (Fraction(1),) * 3
    for terms in itertools.product(numbers(TINY, 1), repeat=3):
        allowed = bound(device, terms, one, exact_products=True, operands=TINY)
        a, b, c = terms
        for computed in (device.add(device.add(a, b), c), device.add(a, device.add(b, c))):
            assert abs(computed - sum(terms)) <= allowed, terms


def any_order(device: Device, w: list[Fraction], x: list[Fraction], random_: random.Random) -> Fraction:
    """Random partial sums of random products, some of them fused."""
    waiting = list(zip(w, x, strict=True))
    random_.shuffle(waiting)
    partial: list[Fraction] = []
    while waiting or len(partial) > 1:
        choice = random_.random()
        if waiting and (choice < 0.3 or not partial):
            partial.append(device.multiply(*waiting.pop()))
        elif waiting and choice < 0.7:
            at = random_.randrange(len(partial))
            partial[at] = device.multiply_add(*waiting.pop(), partial[at])
        elif len(partial) > 1:
            a, b = (partial.pop(random_.randrange(len(partial))) for _ in range(2))
            partial.append(device.add(a, b))
    return partial[0]


def operand(form: Format, random_: random.Random, spread: int) -> Fraction:
    precision, _, _ = form
    significand = random_.randrange(2 ** (precision - 1), 2**precision) * random_.choice([-1, 1])
    return round_to(Fraction(significand) * Fraction(2) ** (random_.randint(-spread, 0) - precision), form)


@pytest.mark.soundness
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("spread", [2, 12, 160])
def test_random_orders(name: str, spread: int) -> None:
    form = FORMATS[name]
    random_ = random.Random(f"{name} {spread}")
    for _ in range(50):
        terms = random_.choice([1, 2, 3, 7, 25])
        w = [operand(form, random_, spread) for _ in range(terms)]
        x = [operand(form, random_, spread) for _ in range(terms)]
        if terms > 2 and random_.random() < 0.5:  # cancelling
            w[1], x[1] = -w[0], x[0]
        for device in devices(form):
            computed = any_order(device, w, x, random_)
            assert abs(computed - exact(w, x)) <= bound(device, w, x)


WORST: dict[str, Callable[[Format], tuple[list[Fraction], list[Fraction]]]] = {
    # 1 + u + u + ...: each u is a tie and is lost
    "sums": lambda f: ([Fraction(1)] + [Fraction(1, 2 ** f[0])] * 99, [Fraction(1)] * 100),
    # every product lies just below a tie of its own: (1 + 2u)(1 + 2^-k)
    "products": lambda f: ([1 + Fraction(2, 2 ** f[0])] * 2, [1 + Fraction(1, 2 ** (f[0] // 2))] * 2),
    # every product is half the smallest positive number: lost
    "underflow": lambda f: ([Fraction(2) ** f[1]] * 100, [Fraction(1, 2 ** f[0])] * 100),
}


@pytest.mark.soundness
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("worst", WORST)
def test_bounds_hold_and_are_nearly_reached(name: str, worst: str) -> None:
    form = FORMATS[name]
    w, x = WORST[worst](form)
    device = Device(form)
    total = device.multiply(w[0], x[0])
    for a, b in zip(w[1:], x[1:], strict=True):
        total = device.add(total, device.multiply(a, b))
    error, allowed = abs(total - exact(w, x)), bound(device, w, x)
    assert error <= allowed
    if worst != "products":
        assert allowed <= error * 2


@pytest.mark.soundness
@pytest.mark.parametrize("name", FORMATS)
def test_flushed_terms_are_covered(name: str) -> None:
    form = FORMATS[name]
    normal = Fraction(2) ** form[1]
    below = normal - normal / 2 ** (form[0] - 1)  # the greatest subnormal
    big = Fraction(2) ** (form[2] // 2)
    for device in devices(form)[1:]:
        w, x = [below] * 50, [big] * 50  # lost as operands
        total = Fraction(0)
        for a, b in zip(w, x, strict=True):
            total = device.multiply_add(a, b, total)
        assert abs(total - exact(w, x)) <= bound(device, w, x)
        w, x = [normal] * 50, [Fraction(2 ** form[0] - 1, 2 ** form[0])] * 50  # lost as results
        total = Fraction(0)
        for a, b in zip(w, x, strict=True):
            total = device.add(total, device.multiply(a, b))
        assert abs(total - exact(w, x)) <= bound(device, w, x)


@pytest.mark.soundness
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("flush", [False, True])
def test_one_rounding(name: str, flush: bool) -> None:
    form = FORMATS[name]
    device = Device(form, flush_results=flush)
    random_ = random.Random(f"{name} {flush}")
    for _ in range(1000):
        z = Fraction(random_.getrandbits(70) + 1) * Fraction(2) ** random_.randint(form[1] - 100, 0)
        z = min(z, Fraction(2) ** form[2])
        allowed = Fraction(numeric.rounding_error(form, float(round_up(z)), may_flush=flush))
        assert abs(device.result(z) - z) <= allowed
    ulps = numeric.function_error(form, 1.0, 1.5, may_flush=False)
    assert Fraction(ulps) >= Fraction(3, 2) * Fraction(2, 2 ** form[0])


def round_up(z: Fraction) -> Fraction:
    nearest = Fraction(float(z))
    return nearest if nearest >= z else nearest + nearest / 2**52


def test_overflow_is_unbounded() -> None:
    half = FORMATS["float16"]
    assert numeric.dot_error(half, 2, 60000.0, may_flush=False) < 64
    assert numeric.dot_error(half, 2, 65504.0, may_flush=False) == float("inf")
    assert numeric.dot_error(half, 10, float("inf")) == float("inf")
    assert numeric.dot_error(half, 10, 1.0) == float("inf")  # nothing known of operands that may be flushed
    assert numeric.rounding_error(half, 65504.0) < 64
    assert numeric.rounding_error(half, 65505.0) == float("inf")
    assert numeric.function_error(half, 65504.0, 1.0) == float("inf")


def test_nothing_is_lost_by_nothing() -> None:
    assert numeric.dot_error(FORMATS["float32"], 0, 0.0) == 0.0
    assert numeric.dot_error(FORMATS["float32"], 1, 5.0, exact_products=True, may_flush=False) <= 2.0**-149


@pytest.mark.parametrize("arguments", [(-1, 1.0), (2**41, 1.0), (3, -1.0), (3, float("nan"))])
def test_bad_arguments_are_named(arguments: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="roundoff: (the number of terms|sum_abs) must be"):
        numeric.dot_error(FORMATS["float32"], *arguments)


def test_formats_outside_binary64_are_refused() -> None:
    with pytest.raises(ValueError, match="isn't contained in binary64"):
        numeric.dot_error((113, -16382, 16383), 3, 1.0)


def test_the_control_leaves_everything_out() -> None:
    if _core.rounding == "none":
        assert numeric.dot_error(FORMATS["float32"], 10, 1.0, sum_operands=0.0) == 0.0


def test_formats_by_name() -> None:
    assert roundoff.dot_error("float32", 7, 3.0) == numeric.dot_error(FORMATS["float32"], 7, 3.0)
    assert roundoff.dot_error("float32", 7, 3.0, sum_operands=9.0) < 1e-5
    assert roundoff.rounding_error("bfloat16", 3.0) == numeric.rounding_error(FORMATS["bfloat16"], 3.0)
    assert roundoff.function_error("float16", 3.0, 1.0) == numeric.function_error(
        FORMATS["float16"], 3.0, 1.0
    )
    with pytest.raises(
        ValueError, match="format 'float8': expected one of float16, bfloat16, float32, float64"
    ):
        roundoff.dot_error("float8", 7, 3.0)  # type: ignore[arg-type]


@pytest.mark.soundness
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_operands_are_flushed_in_their_own_format(name: str) -> None:
    """A subnormal float16 number that a device reads as zero is far above float32's smallest normal number."""
    form = FORMATS[name]
    subnormal = 2.0 ** (form[1] - 1)
    bound = numeric.dot_error(
        FORMATS["float32"], 1, subnormal, sum_operands=1 + subnormal, exact_products=True, operands=form
    )
    assert bound >= subnormal


def test_the_operands_format_must_be_named() -> None:
    with pytest.raises(ValueError, match="need the operands' format"):
        roundoff.dot_error("float32", 3, 1.0, sum_operands=2.0, exact_products=True)
    assert (
        roundoff.dot_error("float32", 3, 1.0, sum_operands=2.0, exact_products=True, operands="float16")
        < 1e-3
    )
    assert roundoff.dot_error("float32", 3, 1.0, exact_products=True, may_flush=False) < 1e-6
