"""The interval community's shared test suite (ITF1788): every assertion of the operations that exist here.

Its results are the tightest float64 intervals. Arithmetic, sets, numbers and relations must equal them; elementary
functions must contain them, with ends at most the stated number of units in the last place further out.
"""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import gonogo
import numpy as np
import pytest
from gonogo import _core
from support import itf1788
from support.itl import Ends

FILES = {
    "abs_rev": 24,
    "atan2": 38,
    "ieee1788-constructors": 43,
    "ieee1788-exceptions": 4,
    "libieeep1788_bool": 392,
    "libieeep1788_cancel": 242,
    "libieeep1788_class": 210,
    "libieeep1788_elem": 3818,
    "libieeep1788_mul_rev": 347,
    "libieeep1788_num": 184,
    "libieeep1788_overlap": 77,
    "libieeep1788_rec_bool": 139,
    "libieeep1788_reduction": 15,
    "libieeep1788_rev": 780,
    "libieeep1788_set": 20,
    "pow_rev": 804,
}
# The functions that the suite has and this library hasn't.
NOT_OFFERED = {
    *(
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "cosh",
        "exp10",
        "log10",
        "pow",
        "sinh",
        "tan",
    ),
}

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def suite(corpus: Path) -> list[itf1788.Assertion]:
    return list(itf1788.all_assertions(corpus / "itl"))


def test_the_suite_is_read_completely(suite: list[itf1788.Assertion]) -> None:
    assert Counter(a.file.removesuffix(".itl") for a in suite) == FILES
    assert len({a.operation for a in suite}) == 98
    assert sum(bool(a.signal) for a in suite) == 68


def test_what_is_left_out_is_known(suite: list[itf1788.Assertion]) -> None:
    left = Counter(itf1788.left_out(a) for a in suite)
    assert set(left) - {""} == {
        "decorations aren't offered",
        "reverse operations aren't offered",
        "function not offered",
        "NaI exists with decorations only",
    }
    missing = {a.operation for a in suite if itf1788.left_out(a) == "function not offered"}
    assert missing == NOT_OFFERED
    assert left[""] >= 2900


def check(operation: str, suite: list[itf1788.Assertion]) -> None:
    chosen = [a for a in suite if a.operation == operation and not itf1788.left_out(a)]
    assert chosen
    for a in chosen:
        assert itf1788.passes(a), (str(a), a.operands, a.results)


@pytest.mark.soundness
@pytest.mark.parametrize("operation", [o for o in itf1788.OFFERED if o in itf1788.ROUNDED])
def test_every_assertion_holds(operation: str, suite: list[itf1788.Assertion]) -> None:
    check(operation, suite)


@pytest.mark.parametrize("operation", [o for o in itf1788.OFFERED if o not in itf1788.ROUNDED])
def test_every_assertion_holds_where_nothing_is_rounded(
    operation: str, suite: list[itf1788.Assertion]
) -> None:
    check(operation, suite)


def test_arrays_give_what_single_intervals_give(suite: list[itf1788.Assertion]) -> None:
    """All operands of the suite, through the array loops: bit for bit, one accuracy apart for elementary functions."""
    operands = [[v for v in a.operands if isinstance(v, Ends)] for a in suite]
    lower, upper = (np.array([getattr(x[0], e) for x in operands if x]) for e in ("lo", "hi"))
    x = gonogo.IntervalArray(lower, upper)
    y = x[::-1]
    ones = [
        gonogo.Interval(a, b) if a <= b else gonogo.Interval.empty()
        for a, b in zip(lower, upper, strict=True)
    ]
    for name in ("neg", "abs", "sqr", "sqrt", "recip", "sign", "ceil", "floor", "trunc"):
        found = x._unary(name)
        assert all(a.equal(b._unary(name)) for a, b in zip(found, ones, strict=True)), name
    for name in (
        "add",
        "sub",
        "mul",
        "div",
        "min",
        "max",
        "hull",
        "intersection",
        "cancel_minus",
        "cancel_plus",
    ):
        found = x._binary(name, y)
        expected = [a._binary(name, b) for a, b in zip(ones, ones[::-1], strict=True)]
        assert all(a.equal(b) for a, b in zip(found, expected, strict=True)), name
    for name in (
        "equal",
        "subset",
        "interior",
        "less",
        "strict_less",
        "precedes",
        "strict_precedes",
        "disjoint",
    ):
        expected = [getattr(a, name)(b) for a, b in zip(ones, ones[::-1], strict=True)]
        assert getattr(x, name)(y).tolist() == expected, name
    assert x.overlap(y).tolist() == [a.overlap(b) for a, b in zip(ones, ones[::-1], strict=True)]
    for name in ("mid", "rad", "wid", "mag", "mig"):
        np.testing.assert_array_equal(getattr(x, name), [getattr(a, name) for a in ones])


def test_the_conformance_table_is_current(root: Path, corpus: Path) -> None:
    if _core.rounding == "none":
        pytest.skip("the negative control conforms to nothing")
    script = runpy.run_path(str(root / "scripts" / "make_conformance_table.py"))
    written = (root / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert written == script["document"](corpus / "itl"), "run scripts/make_conformance_table.py"
