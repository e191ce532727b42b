"""Numbers that aren't float64 numbers: enclosed where that is right, refused where it would give a wrong answer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gonogo import Interval, IntervalArray, interval
from gonogo.errors import IntervalError, UndecidedError

N = 2**53
INEXACT = [N + 1, Fraction(1, 3), Decimal("0.1"), np.int64(N + 1)]


@pytest.mark.parametrize("number", INEXACT)
def test_midpoint_and_radius_are_enclosed(number: Any) -> None:
    exact = Fraction(int(number)) if isinstance(number, np.integer) else Fraction(number)
    for mid, rad in ((number, 0), (0, number), (number, number), (-number, number)):
        middle = (-exact if mid == -number else exact) if mid != 0 else Fraction(0)
        radius = exact if rad != 0 else Fraction(0)
        x = Interval.from_mid_rad(mid, rad)
        assert Fraction(x.lower) <= middle - radius
        assert middle + radius <= Fraction(x.upper)
        a = IntervalArray.from_mid_rad([mid], [rad])
        assert Fraction(float(a.lower[0])) <= middle - radius
        assert middle + radius <= Fraction(float(a.upper[0]))


@pytest.mark.parametrize("rad", [-1, -1.0, Fraction(-1, 3), float("nan")])
def test_no_radius(rad: Any) -> None:
    with pytest.raises(IntervalError):
        Interval.from_mid_rad(0.0, rad)
    with pytest.raises(IntervalError):
        IntervalArray.from_mid_rad([0.0], [rad])
    with pytest.raises(TypeError):
        Interval.from_mid_rad(True, 0)


COMPARING: dict[str, Callable[[Any, Any], Any]] = {
    name: (lambda x, y, name=name: getattr(x, name)(y))
    for name in (
        *("equal", "subset", "interior", "disjoint", "less", "strict_less", "precedes", "strict_precedes"),
        *("overlap", "cancel_minus", "cancel_plus"),
    )
}
COMPARING |= {
    "cancel_minus()": interval.cancel_minus,
    "cancel_plus()": interval.cancel_plus,
    "np.equal": np.equal,
}


@pytest.mark.parametrize("name", COMPARING)
@pytest.mark.parametrize("number", INEXACT)
def test_sets_are_not_compared_with_rounded_numbers(name: str, number: Any) -> None:
    for x in (Interval(N, N + 2), IntervalArray([float(N)], [float(N + 2)])):
        with pytest.raises(IntervalError, match="isn't a float64 number; make it an interval first"):
            COMPARING[name](x, number)


def test_equality_with_numbers_in_between() -> None:
    assert Interval(N) != N + 1
    assert Interval(N + 4, N + 8) != N + 1
    with pytest.raises(UndecidedError):
        bool(Interval(N, N + 2) == N + 1)  # one number of many
    with pytest.raises(UndecidedError):
        bool(Interval("1/3") == Fraction(1, 3))
    assert Interval(1) == 1
    assert N + 1 in Interval(N, N + 2)
    assert N + 1 not in Interval(N)


def test_ends_in_wrong_order_between_two_floats() -> None:
    with pytest.raises(IntervalError, match="lower end is above its upper end"):
        IntervalArray([N + 3], [N + 1])
    assert IntervalArray([N + 1], [N + 3]).lower[0] == N


def test_operands_that_are_none() -> None:
    with pytest.raises(TypeError):
        Interval(1) @ np.array([1.0])
    with pytest.raises(TypeError):
        np.array([1.0]) @ Interval(1)
    for call in (
        lambda: Interval(1, 2).min("x"),
        lambda: Interval(1, 2).cancel_minus("1"),
        lambda: IntervalArray([1.0]).hull(None),
        lambda: np.power(Interval(2), True),
    ):
        with pytest.raises(TypeError):
            call()


def test_empty_products_and_lasting_arrays() -> None:
    product = IntervalArray(np.zeros((2, 0))) @ np.zeros((0, 3))
    assert product.shape == (2, 3)
    assert (product == 0.0).all()
    x = IntervalArray([1.0], [2.0])
    with pytest.raises(ValueError, match=r"WRITEABLE|read-only"):
        x.lower.flags.writeable = True


@pytest.mark.parametrize("text", ["--inf", "+-inf", "++inf", "-"])
def test_signs_of_infinity(text: str) -> None:
    with pytest.raises(IntervalError):
        Interval(text, "inf")


def test_signalling_nan() -> None:
    with pytest.raises(IntervalError, match="NaN"):
        Interval(Decimal("sNaN"))
