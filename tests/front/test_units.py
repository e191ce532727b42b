"""Units and outward printing, against exact rationals."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from gonogo import units
from gonogo.errors import LimitError
from hypothesis import given
from hypothesis import strategies as st

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "known", "value"),
    [
        ("128KiB", units.BYTES, 131072),
        ("128 KiB", units.BYTES, 131072),
        (" 2 MiB ", units.BYTES, 2 * 1024 * 1024),
        ("1 kB", units.BYTES, 1000),
        ("1.5 MB", units.BYTES, 1_500_000),
        ("7 B", units.BYTES, 7),
        ("50 ms", units.SECONDS, Fraction(1, 20)),
        ("3 us", units.SECONDS, Fraction(3, 1_000_000)),
        ("3 µs", units.SECONDS, Fraction(3, 1_000_000)),
        ("2 s", units.SECONDS, 2),
        ("1e-3 J", units.JOULES, Fraction(1, 1000)),
        ("2 mJ", units.JOULES, Fraction(2, 1000)),
        ("5 uJ", units.JOULES, Fraction(5, 1_000_000)),
        ("5M", units.COUNT, 5_000_000),
        ("12", units.COUNT, 12),
        ("0.1", units.PLAIN, Fraction(1, 10)),
        (".5", units.PLAIN, Fraction(1, 2)),
    ],
)
def test_reads_numbers_with_units_exactly(text: str, known: dict[str, Fraction], value: Fraction) -> None:
    assert units.parse(text, known, "x") == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "KiB",
        "12",
        "12 Kib",
        "12 ms",
        "1e5000 B",
        "0x10 B",
        "1,5 KiB",
        "nan B",
        "inf B",
        "1 2 B",
        "9" * 100 + "B",
    ],
)
def test_refuses_what_is_no_memory_size(text: str) -> None:
    with pytest.raises(LimitError, match="ram"):
        units.parse(text, units.BYTES, "ram")


@pytest.mark.soundness
@pytest.mark.parametrize("digits", [2, 4, 9])
def test_printing_is_outward(digits: int) -> None:
    # Thirds of both signs and many magnitudes: none has an exact decimal of so few digits.
    strictly = 0
    for power in range(-1000, 1000, 37):
        for sign in (1.0, -1.0):
            value = math.ldexp(sign / 3.0, power)
            low, high = (
                Fraction(Decimal(units.down(value, digits))),
                Fraction(Decimal(units.up(value, digits))),
            )
            assert low <= Fraction(value) <= high
            strictly += low < Fraction(value) < high
    assert strictly > 50


@given(finite, st.integers(1, 17))
def test_printed_numbers_stay_close(value: float, digits: int) -> None:
    for text in (units.down(value, digits), units.up(value, digits)):
        assert abs(Fraction(Decimal(text)) - Fraction(value)) <= abs(Fraction(value)) / 10 ** (digits - 1)


def test_unbounded_is_a_word() -> None:
    assert units.up(math.inf) == "unbounded"
    assert units.down(-math.inf) == "-unbounded"
    with pytest.raises(ValueError, match="NaN"):
        units.up(math.nan)


def test_bytes_are_exact_and_their_kibibytes_never_too_small() -> None:
    assert units.bytes_text(1000) == "1000 B"
    for size in (1024, 1025, 54385, 10**9 + 1):
        exact, rounded = units.bytes_text(size).removesuffix(" KiB)").split(" B (")
        assert int(exact) == size
        assert Fraction(rounded) * 1024 >= size > (Fraction(rounded) - Fraction(1, 10)) * 1024


def test_ratio_is_never_too_small() -> None:
    assert Fraction(Decimal(units.ratio_up(1.0, 3.0))) >= Fraction(1, 3)
    assert units.ratio_up(1.0, 0.0) == "-"
    assert units.ratio_up(math.inf, 1.0) == "-"


def test_estimates_get_a_handy_prefix() -> None:
    assert units.scaled_text(0.0123, "s") == "12.3 ms"
    assert units.scaled_text(2.0, "s") == "2 s"
    assert units.scaled_text(4.5e-6, "J") == "4.5 uJ"
    assert units.scaled_text(0.0, "J") == "0 uJ"
