"""Operands and the exact oracle of the numeric tests. Nothing here knows how the library computes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

Floats = npt.NDArray[np.float64]

# Every finite binary64 number is an integer multiple of 2^-1074, and a product of two one of 2^-2148.
GRID = 1074


class Exact:
    """Binary64 numbers as Python integers: x is stored as x * 2^1074, without rounding."""

    @staticmethod
    def of(x: float) -> int:
        top, bottom = x.as_integer_ratio()
        return (top << GRID) // bottom

    @classmethod
    def all(cls, values: Floats) -> list[int]:
        return [cls.of(x) for x in values.tolist()]


class Operands:
    """Random and structured operands; every class of binary64 numbers is met."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def significands(self, count: int) -> Floats:
        """1.f: random, few bits at either end, all ones."""
        r = self.random
        bits = r.integers(0, 1 << 52, count, dtype=np.uint64)
        kind = r.integers(0, 6, count)
        one = np.uint64(1)
        bits = np.where(kind == 1, bits & np.uint64(0xF), bits)
        bits = np.where(kind == 2, bits & ~np.uint64((1 << 48) - 1), bits)
        bits = np.where(kind == 3, (one << np.uint64(52)) - one - (bits & np.uint64(0x7)), bits)
        bits = np.where(kind == 4, one << (bits % np.uint64(52)), bits)
        return (bits | np.uint64(0x3FF0000000000000)).view(np.float64)

    def anywhere(self, count: int) -> Floats:
        """All exponents from the subnormals to the overflow edge, both signs, some zeros."""
        r = self.random
        exponents = r.integers(-1080, 1024, count)
        values = np.ldexp(self.significands(count), exponents)
        values = np.where(r.integers(0, 200, count) == 0, 0.0, values)
        values = np.where(r.integers(0, 40, count) == 0, 5e-324 * r.integers(1, 9, count), values)
        values = np.where(r.integers(0, 40, count) == 0, np.finfo(np.float64).max, values)
        return np.copysign(values, r.integers(0, 2, count) - 0.5)

    def near_one(self, count: int, spread: int = 60) -> Floats:
        """Moderate exponents, both signs: sums that cancel or round, products that don't overflow."""
        values = np.ldexp(self.significands(count), self.random.integers(-spread, spread, count))
        return np.copysign(values, self.random.integers(0, 2, count) - 0.5)

    def pairs(self, count: int) -> tuple[Floats, Floats]:
        """Pairs: independent, of similar size, nearly opposite, products and quotients at the edges."""
        r = self.random
        a, b = self.anywhere(count), self.anywhere(count)
        kind = r.integers(0, 6, count)
        shift = r.integers(-60, 60, count)
        with np.errstate(all="ignore"):
            similar = np.ldexp(a, shift) * (0.5 + self.significands(count) / 4)
            opposite = -a * (1 + r.integers(-3, 4, count) * 2.0**-52)
            # exponent of a*b near the bottom (-1074 +- 60) or the top (1023 +- 3)
            low = np.ldexp(self.significands(count), -1074 + shift - np.frexp(a)[1])
            high = np.ldexp(self.significands(count), 1023 + shift // 20 - np.frexp(a)[1])
        for k, candidate in enumerate((similar, opposite, low, high), start=1):
            b = np.where((kind == k) & np.isfinite(candidate), candidate, b)
        moderate = kind == 5
        a = np.where(moderate, self.near_one(count), a)
        b = np.where(moderate, self.near_one(count), b)
        return np.ascontiguousarray(a), np.ascontiguousarray(b)

    def boxes(self, count: int) -> tuple[Floats, Floats]:
        """lo <= hi: points, narrow, wide, with zero inside or at an end, some half-open."""
        r = self.random
        a, b = self.pairs(count)
        kind = r.integers(0, 8, count)
        with np.errstate(all="ignore"):
            b = np.where(kind == 0, a, b)
            b = np.where(kind == 1, np.nextafter(a, np.inf), b)
            b = np.where(kind == 2, 0.0, b)
            b = np.where(kind == 3, a * (1 + 2.0**-20), b)
        b = np.where(np.isfinite(b), b, a)
        lo, hi = np.minimum(a, b), np.maximum(a, b)
        lo = np.where((kind == 4) & (r.integers(0, 8, count) == 0), -np.inf, lo)
        hi = np.where((kind == 5) & (r.integers(0, 8, count) == 0), np.inf, hi)
        return np.ascontiguousarray(lo), np.ascontiguousarray(hi)


@pytest.fixture
def operands(request: pytest.FixtureRequest) -> Operands:
    return Operands(seed=sum(request.node.name.encode()))


@pytest.fixture(scope="session")
def exact() -> type[Exact]:
    return Exact
