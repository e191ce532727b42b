"""A caller's rounding mode, FTZ and DAZ change no result, and the caller finds them as they were."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gonogo._core import numeric

STATES = list(itertools.product(["nearest", "down", "up", "zero"], [False, True], [False, True]))
DEFAULT = ("nearest", False, False)


def calls(operands: Any) -> dict[str, Callable[[], Any]]:
    """One call of every function, with operands that a foreign mode, FTZ or DAZ would spoil."""
    a, b = operands.pairs(3000)
    lo, hi = operands.boxes(3000)
    c, d = operands.boxes(3000)
    positive = np.abs(a)
    moderate = np.clip(a, -800, 800)
    w = np.ldexp(operands.near_one(60, 3), -540).reshape(20, 3)
    x = np.ldexp(operands.near_one(20, 3), -530)
    tiny = np.full(3, 5e-324)
    table: dict[str, Callable[[], Any]] = {
        "affine": lambda: numeric.affine(w, x, x, tiny, tiny),
        "depthwise": lambda: numeric.affine(w, w, w, tiny, tiny, 0.0, True),
        "neighbours": lambda: numeric.neighbours(a),
        "parse": lambda: [numeric.parse_decimal(t) for t in ("0.1", "1e-320", "-3.3e-310", "1e400")],
        "print down": lambda: [numeric.decimal_down(v, 7) for v in (0.1, -5e-324, 1e300)],
        "print up": lambda: [numeric.decimal_up(v, 7) for v in (0.1, -5e-324, 1e300)],
        "self_test": numeric.self_test,
    }
    for name in ("add", "sub", "mul", "div"):
        table[f"directed {name}"] = lambda name=name: numeric.directed(name, a, b)
        table[f"interval {name}"] = lambda name=name: numeric.binary(name, lo, hi, c, d)
    for name in ("min", "max", "hull"):
        table[f"interval {name}"] = lambda name=name: numeric.binary(name, lo, hi, c, d)
    for name in ("neg", "abs", "sqr"):
        table[f"interval {name}"] = lambda name=name: numeric.unary(name, lo, hi)
    for name in ("exp", "expm1", "tanh", "sigmoid"):
        table[name] = lambda name=name: numeric.unary(name, moderate, moderate)
    for name in ("log", "sqrt"):
        table[name] = lambda name=name: numeric.unary(name, positive, positive)
    return table


def plain(result: Any) -> Any:
    """Bit patterns: DAZ in the caller must not blur the comparison."""
    if isinstance(result, tuple) and isinstance(result[0], np.ndarray):
        return tuple(part.tobytes() for part in result)
    return result


@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-ftz' * s[1]}{'-daz' * s[2]}")
def test_results_and_state_survive_any_environment(state: tuple[str, bool, bool], operands: Any) -> None:
    for name, call in calls(operands).items():
        expected = plain(call())
        former = numeric.set_environment(*state)
        try:
            result = call()
            found = numeric.environment()
        finally:
            numeric.set_environment(*DEFAULT)
        assert former == DEFAULT
        assert found == state, name
        assert plain(result) == expected, name


@pytest.mark.parametrize("state", [("up", True, True), ("zero", False, True)])
def test_state_survives_an_error(state: tuple[str, bool, bool]) -> None:
    numeric.set_environment(*state)
    try:
        with pytest.raises(ValueError, match="not an interval"):
            numeric.unary("exp", np.array([1.0]), np.array([0.0]))
        found = numeric.environment()
    finally:
        numeric.set_environment(*DEFAULT)
    assert found == state


@pytest.mark.soundness
@pytest.mark.parametrize("state", STATES, ids=lambda s: f"{s[0]}{'-ftz' * s[1]}{'-daz' * s[2]}")
def test_bounds_hold_in_any_environment(state: tuple[str, bool, bool], operands: Any, exact: Any) -> None:
    a, b = operands.pairs(4000)
    numeric.set_environment(*state)
    try:
        low, high = numeric.directed("mul", a, b)
    finally:
        numeric.set_environment(*DEFAULT)
    unit = 1 << 1074
    for x, y, lo, hi in zip(exact.all(a), exact.all(b), low.tolist(), high.tolist(), strict=True):
        assert lo == -np.inf or exact.of(lo) * unit <= x * y
        assert hi == np.inf or x * y <= exact.of(hi) * unit


def test_the_hook_reaches_the_processor() -> None:
    """Otherwise the tests above would prove nothing: a spoiled environment really spoils plain arithmetic."""
    third, tiny = np.array([1.0]), np.array([2.0**-1022])
    nearest = (third / 3.0)[0]
    numeric.set_environment("up", True, True)
    try:
        up = (third / 3.0)[0]
        flushed = (tiny * 0.5).tobytes()
    finally:
        numeric.set_environment(*DEFAULT)
    assert up > nearest
    assert flushed == np.zeros(1).tobytes()


def test_threads_keep_their_own_state(operands: Any) -> None:
    table = calls(operands)
    expected = {name: plain(call()) for name, call in table.items()}
    failures: list[str] = []

    def work(state: tuple[str, bool, bool]) -> None:
        numeric.set_environment(*state)
        for _ in range(3):
            for name, call in table.items():
                result = call()
                if plain(result) != expected[name] or numeric.environment() != state:
                    failures.append(f"{name} under {state}")

    threads = [threading.Thread(target=work, args=(state,)) for state in STATES[::3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert numeric.environment() == DEFAULT


def test_self_test_passes() -> None:
    assert numeric.self_test() == ""
