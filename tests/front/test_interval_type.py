"""gonogo.Interval and gonogo.IntervalArray as users meet them."""

from __future__ import annotations

import copy
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gonogo
import numpy as np
import pytest
from gonogo import Interval, IntervalArray, interval
from gonogo.errors import IntervalError, UndecidedError

INF = math.inf
THIRD = Interval(Fraction(1, 3))


@pytest.mark.soundness
@pytest.mark.parametrize(
    "number",
    [
        *[Fraction(1, 3), Fraction(-(10**400), 3), Fraction(1, 10**400), Decimal("0.1"), Decimal("-1e-400")],
        *[2**53 + 1, -(2**80) - 1, np.int64(2**62 + 1), np.uint64(2**64 - 1)],
    ],
)
def test_numbers_that_are_no_floats_are_enclosed(number: Any) -> None:
    x = Interval(number)
    exact = Fraction(number) if not isinstance(number, np.integer) else Fraction(int(number))
    assert x.lower == -INF or Fraction(x.lower) < exact
    assert x.upper == INF or exact < Fraction(x.upper)
    assert math.nextafter(x.lower, INF) == x.upper
    assert number in x


@pytest.mark.parametrize(
    ("number", "value"),
    [
        *[
            (1, 1.0),
            (-(2**53), -(2.0**53)),
            (0.1, 0.1),
            (-0.0, 0.0),
            (np.float32(0.1), float(np.float32(0.1))),
        ],
        *[
            (np.float16(0.5), 0.5),
            (np.float64(0.1), 0.1),
            (np.int8(-3), -3.0),
            (Fraction(3, 4), 0.75),
            (2**80, 2.0**80),
        ],
        *[
            (Decimal("0.25"), 0.25),
            (np.longdouble("0.5"), 0.5),
            ("0.5", 0.5),
            ("[0.25]", 0.25),
            ("3/4", 0.75),
        ],
    ],
)
def test_numbers_that_are_floats_stay(number: Any, value: float) -> None:
    x = Interval(number)
    assert (x.lower, x.upper) == (value, value)
    assert math.copysign(1, x.lower) == math.copysign(1, value)
    assert x.is_singleton()


@pytest.mark.soundness
def test_numbers_beyond_all_floats_are_enclosed() -> None:
    for number in (10**400, 10**20000, Fraction(10**400, 3), "1e400"):
        x = Interval(number)
        assert (x.lower, x.upper) == (float(np.finfo(np.float64).max), INF)
        if not isinstance(number, str):
            assert number in x
            assert -number in -x
            assert -number not in x


@pytest.mark.soundness
def test_two_ends_are_rounded_outward() -> None:
    x = Interval("0.1", Decimal("0.3"))
    assert Fraction(x.lower) <= Fraction(1, 10)
    assert Fraction(3, 10) <= Fraction(x.upper)
    assert str(Interval(-INF, 2)) == "[-inf, 2]"
    assert Interval("-inf", "inf").is_entire()
    assert Interval(Interval(1, 2)).equal(Interval(1, 2))


@pytest.mark.parametrize(
    "arguments",
    [
        *[
            (2, 1),
            (INF,),
            (-INF,),
            (INF, INF),
            (-INF, -INF),
            (INF, -INF),
            (math.nan,),
            (1, math.nan),
            (math.nan, 1),
        ],
        *[
            ("abc",),
            ("",),
            ("[1,2", 3),
            ("[1,2]", 3),
            (1, "2?"),
            (Decimal("nan"),),
            (Decimal("inf"),),
            (np.float32("nan"),),
        ],
        *[("0.2", "0.1"), (Fraction(1, 3), Fraction(33, 100)), (np.float64("inf"),), (np.longdouble("nan"),)],
    ],
)
def test_what_makes_no_interval_is_an_interval_error(arguments: Any) -> None:
    with pytest.raises(IntervalError):
        Interval(*arguments)


@pytest.mark.parametrize(
    "value", [True, False, np.True_, 1j, None, [1, 2], np.array([1.0]), b"1", object(), {}]
)
def test_what_is_no_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        Interval(value)
    if value is not None:
        with pytest.raises(TypeError):
            Interval(0, value)


def test_an_interval_never_changes() -> None:
    x = Interval(1, 2)
    for name in ("lower", "_lo", "other"):
        with pytest.raises(AttributeError):
            setattr(x, name, 3.0)
    with pytest.raises(AttributeError):
        del x._lo
    y = IntervalArray([1.0, 2.0])
    with pytest.raises(AttributeError):
        y._lo = y._hi
    with pytest.raises(ValueError, match="read-only"):
        y.lower[0] = 5.0
    given = np.array([1.0, 2.0])
    z = IntervalArray(given)
    given[0] = 9.0
    assert z[0].equal(1)
    for same in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert same.equal(x)
    assert pickle.loads(pickle.dumps(Interval.empty())).is_empty()
    assert pickle.loads(pickle.dumps(y)).equal(y).all()


def test_operators_take_numbers_on_both_sides() -> None:
    x = Interval(1, 2)
    assert (x + 1).equal(Interval(2, 3))
    assert (1 + x).equal(Interval(2, 3))
    assert (1 - x).equal(Interval(-1, 0))
    assert (x - Fraction(1, 2)).equal(Interval(0.5, 1.5))
    assert (Decimal("0.5") * x).equal(Interval(0.5, 1))
    assert (1 / x).equal(Interval(0.5, 1))
    assert (np.float64(4) / x).equal(Interval(2, 4))
    assert (np.int32(4) - x).equal(Interval(2, 3))
    assert (x**2).equal(Interval(1, 4))
    assert (x**-1).equal(Interval(0.5, 1))
    assert (-x).equal(Interval(-2, -1))
    assert abs(-x).equal(x)
    assert (+x) is x
    for wrong in ("1", None, [1], True, 1j):
        with pytest.raises(TypeError):
            x + wrong
        with pytest.raises(TypeError):
            wrong * x
    for wrong in (0.5, 2.0, "2", x):
        with pytest.raises(TypeError):
            x**wrong
    with pytest.raises(IntervalError, match="NaN"):
        x + math.nan
    with pytest.raises(IntervalError, match="infinity"):
        x + INF


def test_division_by_what_contains_zero() -> None:
    assert (Interval(1, 2) / Interval(0, 1)).equal(Interval(1, INF))
    assert (Interval(1, 2) / Interval(0)).is_empty()
    assert (Interval(1, 2) / Interval(-1, 1)).is_entire()
    assert (Interval(0) / Interval(-1, 1)).equal(0)
    assert (Interval.empty() / Interval(1, 2)).is_empty()


def test_comparisons_answer_only_what_is_certain() -> None:
    a, b, c = Interval(1, 2), Interval(1.5, 3), Interval(4, 5)
    assert a == Interval(1, 2)
    assert a != c
    assert a != c
    assert a < c
    assert c > a
    assert a <= Interval(2, 3)
    assert not (c <= a)
    assert not (Interval(2, 3) < Interval(1, 2))
    assert Interval(2) == 2
    assert a != 3
    for undecided in (
        lambda: a == b,
        lambda: a != b,
        lambda: a < b,
        lambda: a >= b,
        lambda: a == 1.5,
        lambda: a < a,
        lambda: Interval.empty() < a,
        lambda: a in [b],
    ):
        with pytest.raises(UndecidedError):
            undecided()
    assert issubclass(UndecidedError, ValueError)
    assert Interval.empty() == Interval.empty()
    assert Interval.empty() != a
    assert (a == "1") is False
    with pytest.raises(TypeError):
        bool(a < "1")
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(a)
    assert hash(Interval(2)) == hash(2) == hash(Interval("2"))
    assert hash(Interval(1, 2)) == hash(a)
    assert {a: "x"}[Interval(1, 2)] == "x"


@pytest.mark.soundness
def test_relations_always_answer() -> None:
    a, b = Interval(1, 2), Interval(1.5, 3)
    assert not a.equal(b)
    assert not a.subset(b)
    assert Interval(1.5, 2).subset(b)
    assert a.less(b)
    assert not a.precedes(b)
    assert a.certainly_less(4)
    assert not a.certainly_less(b)
    assert not a.certainly_equal(a)
    assert Interval(2).certainly_equal(2)
    assert a.overlap(b) == "overlaps"
    assert a.disjoint(Interval.empty())
    assert 1.5 in a
    assert Interval(1, 1.5) in a
    assert THIRD not in Interval(0, THIRD.lower)
    assert Fraction(1, 3) in THIRD
    assert INF not in Interval.entire()
    assert (a & b).equal(Interval(1.5, 2))
    assert (a | b).equal(Interval(1, 3))
    with pytest.raises(TypeError):
        a.equal("1")


def test_numbers_of_an_interval() -> None:
    x = Interval(1, 4)
    assert (x.lower, x.upper, x.mid, x.rad, x.wid, x.mag, x.mig) == (1, 4, 2.5, 1.5, 3, 4, 1)
    assert x.mid_rad() == (2.5, 1.5)
    assert math.copysign(1, Interval(0, 1).inf) == -1
    assert math.copysign(1, Interval(0, 1).lower) == 1
    assert all(math.isnan(v) for v in (Interval.empty().mid, Interval.empty().wid, Interval.empty().mag))
    assert Interval.from_mid_rad(1.0, 0.5).equal(Interval(0.5, 1.5))
    assert Interval.from_mid_rad(1.0, INF).is_entire()
    for wrong in ((1.0, -1.0), (INF, 1.0), (math.nan, 1.0), (1.0, math.nan)):
        with pytest.raises(IntervalError):
            Interval.from_mid_rad(*wrong)


def test_every_function_is_a_method_too() -> None:
    x, y = Interval(0.25, 0.75), IntervalArray([0.25, 0.5], [0.75, 0.5])
    unary = [
        "abs",
        "ceil",
        "cos",
        "erf",
        "exp",
        "exp2",
        "expm1",
        "floor",
        "log",
        "log1p",
        "log2",
        "recip",
        "sigmoid",
    ]
    unary += [
        "sign",
        "sin",
        "softplus",
        "sqr",
        "sqrt",
        "tanh",
        "trunc",
        "round_ties_to_even",
        "round_ties_to_away",
    ]
    for name in unary:
        function = getattr(interval, name)
        one, many = function(x), function(y)
        assert one.equal(getattr(x, name)()), name
        assert many.equal(getattr(y, name)()).all(), name
        assert type(one) is Interval
        assert type(many) is IntervalArray
        assert function(0.5).equal(function(Interval(0.5)))
        assert function(np.array([0.5])).equal(function(IntervalArray([0.5]))).all()
    for name in ("min", "max", "intersection", "hull", "cancel_minus", "cancel_plus"):
        assert getattr(interval, name)(x, 0.5).equal(getattr(x, name)(0.5)), name
        assert getattr(interval, name)(x, y).equal(getattr(IntervalArray(x), name)(y)).all(), name
    assert interval.fma(x, 2, 1).equal(x * 2 + 1)
    assert interval.fma(y, x, 1).shape == (2,)
    assert interval.pown(x, 2).equal(x.sqr())
    assert interval.accuracy_ulp("exp") >= 0.5
    for wrong in ("0.5", None, True):
        with pytest.raises(TypeError):
            interval.exp(wrong)


def test_everything_documented() -> None:
    for name in interval.__all__:
        assert getattr(interval, name).__doc__, name
    for cls in (Interval, IntervalArray):
        for name in dir(cls):
            if not name.startswith("_"):
                assert getattr(cls, name).__doc__, (cls, name)
    assert gonogo.Interval is interval.Interval
