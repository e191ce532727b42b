"""Compiled expressions against Python's integers: at points, in columns, and over boxes, on every instruction set.

The expressions are random graphs with shared parts. The oracle walks the same graph with ints; it knows no tape.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.errors import ShapeError

Expr = _core.Expr
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[int, int], int]]] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "sub": (lambda a, b: a - b, lambda a, b: a - b),
    "mul": (lambda a, b: a * b, lambda a, b: a * b),
    "floor_div": (lambda a, b: a.floor_div(b), lambda a, b: a // b),
    "ceil_div": (lambda a, b: a.ceil_div(b), lambda a, b: -(-a // b)),
    "max": (lambda a, b: a.max(b), max),
    "min": (lambda a, b: a.min(b), min),
    "less": (lambda a, b: a.less(b), lambda a, b: int(a < b)),
    "equal": (lambda a, b: a.equal(b), lambda a, b: int(a == b)),
}
LARGEST = 2**53


@dataclass(frozen=True)
class Step:
    """A value made from earlier ones."""

    op: str
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """Values: the variables, then the constants, then the steps."""

    ranges: tuple[tuple[int, int], ...]
    constants: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def variables(self) -> list[tuple[str, float, float]]:
        return [(f"v{i}", float(lo), float(hi)) for i, (lo, hi) in enumerate(self.ranges)]

    def values(self, point: tuple[int, ...]) -> list[int]:
        known = [*point, *self.constants]
        for step in self.steps:
            known.append(one_value(step.op, [known[p] for p in step.parts]))
        return known

    def points(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(*(range(lo, hi + 1) for lo, hi in self.ranges))

    def compiled(self) -> list[Expr]:
        known = [Expr.symbol(name) for name, _, _ in self.variables] + [Expr(c) for c in self.constants]
        for step in self.steps:
            known.append(one_expression(step.op, [known[p] for p in step.parts]))
        return known


def one_value(op: str, parts: list[int]) -> int:
    if op == "select":
        return parts[1] if parts[0] else parts[2]
    return BINARY[op][1](*parts)


def one_expression(op: str, parts: list[Expr]) -> Expr:
    if op == "select":
        return parts[0].select(parts[1], parts[2])
    return BINARY[op][0](*parts)


def random_graph(rng: np.random.Generator, steps: int) -> Graph:
    """Divisors are positive and integers stay small; both are known over the whole ranges, by enumeration."""
    ranges = tuple(
        (lo := int(rng.integers(-6, 9)), lo + int(rng.integers(0, 5))) for _ in range(rng.integers(1, 4))
    )
    graph = Graph(ranges, tuple(int(c) for c in rng.integers(-4, 40, 3)), ())
    points = list(graph.points())
    columns = [graph.values(p) for p in points]
    while len(graph.steps) < steps:
        op = str(rng.choice([*BINARY, "select"]))
        count = len(columns[0])
        # Mostly late values: deep rather than wide.
        parts = [
            count - 1 - int(rng.integers(0, min(count, 6)) if rng.random() < 0.6 else rng.integers(0, count))
            for _ in range(3 if op == "select" else 2)
        ]
        taken = [[c[p] for p in parts] for c in columns]
        if "div" in op and min(t[1] for t in taken) <= 0:
            continue
        if op == "select" and not all(t[0] in (0, 1) for t in taken):
            continue
        new = [one_value(op, t) for t in taken]
        if max(abs(v) for v in new) > 10**6:
            continue
        graph = Graph(graph.ranges, graph.constants, (*graph.steps, Step(op, tuple(parts))))
        for column, value in zip(columns, new, strict=True):
            column.append(value)
    return graph


def compile_graph(graph: Graph, every: int) -> tuple[_core.Expressions, list[int]] | None:
    """The tape of the values that compile, or of every so many-th: what isn't asked for may become part of other steps.

    A divisor's range may be too wide to be seen as positive.
    """
    expressions = graph.compiled()
    kept = []
    for i, e in enumerate(expressions):
        try:
            _core.Expressions([e], graph.variables)
        except ShapeError:
            continue
        kept.append(i)
    kept = kept[::-every][::-1]
    return (_core.Expressions([expressions[i] for i in kept], graph.variables), kept) if kept else None


@pytest.fixture(params=_core.numeric.available_instruction_sets())
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _core.numeric.instruction_set()
    _core.numeric.use_instruction_set(request.param)
    yield request.param
    _core.numeric.use_instruction_set(before)


def sub_boxes(graph: Graph, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes inside the ranges: points, edges, the whole, and random ones. Shape [variables, count]."""
    lo = np.empty((len(graph.ranges), count))
    hi = np.empty_like(lo)
    for v, (first, last) in enumerate(graph.ranges):
        ends = np.sort(rng.integers(first, last + 1, (count, 2)), axis=1)
        point = rng.random(count) < 0.3
        lo[v], hi[v] = ends[:, 0], np.where(point, ends[:, 0], ends[:, 1])
    lo[:, 0] = [first for first, _ in graph.ranges]
    hi[:, 0] = [last for _, last in graph.ranges]
    return lo, hi


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(instruction_set: str, seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    for number in range(15):
        graph = random_graph(rng, int(rng.integers(3, 30)))
        made = compile_graph(graph, (1, 3, 30)[number % 3])
        if made is None:
            continue
        tape, kept = made
        points = list(graph.points())
        truth = np.array([[graph.values(p)[i] for i in kept] for p in points], dtype=np.float64).T
        columns = np.ascontiguousarray(np.array(points, dtype=np.float64).T)
        assert np.array_equal(tape.points(columns)[0], truth)
        for p, column in zip(points[:20], truth.T, strict=False):
            assert tape.point([float(x) for x in p]) == column.tolist()

        lo, hi = sub_boxes(graph, rng, 70)
        low, high = tape.boxes(lo, hi)
        for b in range(lo.shape[1]):
            inside = np.all((columns >= lo[:, b, None]) & (columns <= hi[:, b, None]), axis=0)
            assert np.all(low[:, b] <= truth[:, inside].min(axis=1))
            assert np.all(high[:, b] >= truth[:, inside].max(axis=1))
            if np.array_equal(lo[:, b], hi[:, b]):
                assert np.array_equal(low[:, b], high[:, b])


# Each reads every variable once and is monotone in it: its range over a box is that of its values, no wider.
ONCE: dict[str, tuple[Callable[..., Any], Callable[..., int]]] = {
    "product": (lambda a, b, c: a * b + c, lambda a, b, c: a * b + c),
    "quotient": (lambda a, b, c: (a * c).ceil_div(b), lambda a, b, c: -(-a * c // b)),
    "rest": (lambda a, b, c: a - b.floor_div(c), lambda a, b, c: a - b // c),
    "cut": (lambda a, b, c: a.max(b).min(c), lambda a, b, c: min(max(a, b), c)),
    "before": (lambda a, b, c: (a + c).less(b), lambda a, b, c: int(a + c < b)),
    "chosen": (
        lambda a, b, c: a.less(Expr(5)).select(b, c + Expr(100)),
        lambda a, b, c: b if a < 5 else c + 100,
    ),
    "negative": (lambda a, b, c: a * Expr(-3) - b * c, lambda a, b, c: a * -3 - b * c),
}


@pytest.mark.parametrize("name", ONCE)
def test_ranges_of_monotone_expressions_are_no_wider_than_needed(instruction_set: str, name: str) -> None:
    symbolic, value = ONCE[name]
    ranges = ((1, 9), (1, 7), (2, 6))
    graph = Graph(ranges, (), ())
    symbols = [Expr.symbol(n) for n, _, _ in graph.variables]
    tape = _core.Expressions([symbolic(*symbols)], graph.variables)
    lo, hi = sub_boxes(graph, np.random.default_rng(3), 300)
    low, high = tape.boxes(lo, hi)
    for b in range(lo.shape[1]):
        sides = [range(int(x), int(y) + 1) for x, y in zip(lo[:, b], hi[:, b], strict=True)]
        found = [value(*p) for p in itertools.product(*sides)]
        assert (low[0, b], high[0, b]) == (min(found), max(found))


@pytest.mark.parametrize("bits", [20, 40, 52])
def test_large_integers_are_exact(instruction_set: str, bits: int) -> None:
    """Quotients and sums next to whole numbers, where a rounded division would be off by one."""
    rng = np.random.default_rng(bits)
    top = 2**bits - 1
    variables = [("a", 1.0, float(top)), ("b", 1.0, float(top))]
    a, b = Expr.symbol("a"), Expr.symbol("b")
    tape = _core.Expressions([a.floor_div(b), a.ceil_div(b), a + b, a - b, a.less(b), a.equal(b)], variables)
    divisor = rng.integers(1, top, 4000) >> rng.integers(0, bits, 4000)
    divisor = np.maximum(divisor, 1)
    near = (rng.integers(1, top, 4000) // divisor) * divisor + rng.integers(-1, 2, 4000)
    number = np.clip(near, 1, top)
    columns = np.ascontiguousarray(np.array([number, divisor], dtype=np.float64))
    found = tape.points(columns)[0]
    pairs = list(zip(number.tolist(), divisor.tolist(), strict=True))
    truth = [[x // y, -(-x // y), x + y, x - y, int(x < y), int(x == y)] for x, y in pairs]
    assert found.T.tolist() == [[float(v) for v in row] for row in truth]
    assert np.array_equal(tape.boxes(columns, columns), np.array([found, found]))


@pytest.mark.parametrize(("factor", "allowed"), [(2**23, True), (2**24, False)])
def test_integers_beyond_2_to_53_are_refused(factor: int, allowed: bool) -> None:
    a = Expr.symbol("a")
    expressions = [a * a * Expr(factor)]
    variables = [("a", 1.0, 2.0**15 - 1.0)]
    if allowed:
        assert _core.Expressions(expressions, variables).point([3.0]) == [9.0 * factor]
    else:
        with pytest.raises(ShapeError, match=r"may leave \+-2\^53.*narrow the parameters' ranges"):
            _core.Expressions(expressions, variables)


def test_an_intermediate_integer_beyond_2_to_53_is_refused_too() -> None:
    a = Expr.symbol("a")
    with pytest.raises(ShapeError, match=r"2\^53"):
        _core.Expressions([(a * Expr(LARGEST)).floor_div(Expr(LARGEST))], [("a", 1.0, 3.0)])


@pytest.mark.parametrize("lowest", [0, -1])
@pytest.mark.parametrize("op", ["floor_div", "ceil_div"])
def test_a_divisor_that_may_be_zero_is_refused(op: str, lowest: int) -> None:
    a, b = Expr.symbol("a"), Expr.symbol("b")
    quotient = one_expression(op, [a, b])
    with pytest.raises(ShapeError, match="divides by what may be zero or negative"):
        _core.Expressions([quotient], [("a", 1.0, 3.0), ("b", float(lowest), 3.0)])
    assert _core.Expressions([quotient], [("a", 1.0, 3.0), ("b", 1.0, 3.0)]).point([3.0, 2.0]) == [
        1.0 if op == "floor_div" else 2.0
    ]


def test_a_symbol_without_a_range_is_refused() -> None:
    with pytest.raises(ShapeError, match="'b' is no parameter of this space"):
        _core.Expressions([Expr.symbol("b")], [("a", 1.0, 3.0)])


def test_an_impossible_branch_may_divide_by_zero() -> None:
    a = Expr.symbol("a")
    never = Expr(5).less(a)
    tape = _core.Expressions([never.select(Expr(7).floor_div(a - Expr(2)), a)], [("a", 1.0, 3.0)])
    assert tape.point([2.0]) == [2.0]


def test_a_constant_beyond_2_to_the_53_is_refused() -> None:
    """It would be rounded before a quotient brings it back into range."""
    x = _core.Expr.symbol("x")
    with pytest.raises(ShapeError, match="2\\^53"):
        _core.Expressions([_core.Expr(2**53 + 1).floor_div(x)], [("x", 2.0, 5.0)])
    exact = _core.Expressions([_core.Expr(2**53 - 1).floor_div(x)], [("x", 2.0, 5.0)])
    assert exact.point([3.0]) == [(2**53 - 1) // 3]


def test_sums_are_collected(instruction_set: str) -> None:
    """What cancels isn't computed, and leaves no width: a point's worth of nothing over any box."""
    a, b = Expr.symbol("a"), Expr.symbol("b")
    x = a * Expr(3) + b
    y = x * Expr(2) - b - a - b * Expr(1) + Expr(4)
    tape = _core.Expressions([y, x + y], [("a", 1.0, 9.0), ("b", -5.0, 7.0)])
    assert tape.steps <= 5
    lo, hi = np.array([[2.0], [-5.0]]), np.array([[6.0], [7.0]])
    assert tape.boxes(lo, hi)[:, 0, 0].tolist() == [5 * 2 + 4, 5 * 6 + 4]
    assert tape.point([3.0, -2.0]) == [19.0, 26.0]


def test_a_sum_begins_with_one_that_it_holds(instruction_set: str) -> None:
    """And not with one that has more of a term: over a box that would have to be taken off again."""
    a, b, c, d = (Expr.symbol(n) for n in "abcd")
    expressions = [a * Expr(3) + b + c + d, a + b + c + d, a * Expr(5) + b + c + d]
    variables = [(n, 1.0, 9.0) for n in "abcd"]
    tape = _core.Expressions(expressions, variables)
    assert tape.steps == _core.Expressions(expressions[:2], variables).steps + 3
    low, high = tape.boxes(np.full((4, 1), 2.0), np.full((4, 1), 5.0))
    assert low[:, 0].tolist() == [12.0, 8.0, 16.0]
    assert high[:, 0].tolist() == [30.0, 20.0, 40.0]


def test_sums_too_large_to_be_reordered_are_exact(instruction_set: str) -> None:
    """(a - b) + (c - d): exact as it's written, while a + c would be rounded."""
    names = "abcd"
    a, b, c, d = (Expr.symbol(n) for n in names)
    tape = _core.Expressions([(a - b) + (c - d)], [(n, 2.0**52, LARGEST - 1.0) for n in names])
    rng = np.random.default_rng(4)
    columns = rng.integers(2**52, LARGEST - 1, (4, 200), endpoint=True)
    found = tape.points(columns.astype(np.float64))[0, 0]
    assert found.tolist() == [float(x) for x in columns[0] - columns[1] + columns[2] - columns[3]]
