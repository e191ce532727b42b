"""NeuroDiff: files, tasks and conventions as the published logs and the other ACAS Xu sources have them."""

from __future__ import annotations

import re
import statistics
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from gonogo import _core
from support.dense import ExactNet, points_in, rationals
from support.neurodiff import (
    EPSILONS,
    EXACT_FLOAT16,
    NETS,
    Task,
    difference_bounds,
    load_network,
    load_published,
    load_tasks,
    load_update,
)

pytestmark = pytest.mark.corpus

# Sum of |update - original| over all weights, as the published logs print it for these networks.
TOTAL_DIFFERENCE = {
    "1_1": 1.0736,
    "1_2": 0.9596,
    "1_4": 0.8800,
    "1_8": 0.9245,
    "2_7": 2.0470,
    "3_7": 1.9974,
    "4_9": 2.4573,
    "5_6": 1.8813,
}
SINGLE_TASKS = [
    (5, "1_1"),
    (7, "1_9"),
    (8, "2_9"),
    (9, "3_3"),
    (10, "4_5"),
    (11, "1_1"),
    (12, "3_3"),
    (13, "1_1"),
    (14, "4_1"),
    (14, "5_1"),
    (15, "4_1"),
    (15, "5_1"),
    (16, "1_1"),
    (26, "1_1"),
]


def test_tasks(corpus: Path) -> None:
    tasks = load_tasks(corpus)
    without = [n for n in NETS if n not in ("1_7", "1_8", "1_9")]
    expected = [(1, n) for n in NETS] + [(p, n) for p in (3, 4) for n in without] + SINGLE_TASKS
    assert list(tasks) == sorted(Task(p, n) for p, n in expected)
    for found in load_published(corpus).values():
        assert set(found) == set(tasks)


def test_published_numbers(corpus: Path) -> None:
    published = load_published(corpus)
    proved = {key: sum(p.proved for p in found.values()) for key, found in published.items()}
    assert proved == {
        ("neurodiff", 0.05): 143,
        ("neurodiff", 0.01): 138,
        ("reludiffp", 0.05): 141,
        ("reludiffp", 0.01): 91,
    }
    medians = {k: round(statistics.median(p.first_pass for p in v.values()), 1) for k, v in published.items()}
    assert medians == {
        ("neurodiff", 0.05): 8.1,
        ("neurodiff", 0.01): 23.1,
        ("reludiffp", 0.05): 26.5,
        ("reludiffp", 0.01): 26.5,
    }
    assert sum(p.seconds for p in published["neurodiff", 0.05].values()) == pytest.approx(967, abs=1)


@pytest.mark.parametrize("net", NETS)
def test_updates_are_float16_printed(corpus: Path, net: str) -> None:
    """Float16 of the decimals; seven files print its value, 38 the shortest decimals that name it."""
    original, update = load_network(corpus, net), load_update(corpus, net)
    half = np.array(original.decimals).astype(np.float64).astype(np.float16)
    stated = np.array(update.decimals)
    assert np.array_equal(stated.astype(np.float64).astype(np.float16), half)
    is_float16 = stated.astype(np.float64) == half.astype(np.float64)
    if net in EXACT_FLOAT16:
        assert np.all(is_float16)
    else:
        assert [str(h) for h in half] == list(update.decimals)
        assert np.mean(is_float16) < 0.02
    for a, b in zip(original.layers, update.layers, strict=True):
        assert a.weights.dtype == b.weights.dtype == np.float32
        assert a.weights.shape == b.weights.shape


@pytest.mark.parametrize("net", TOTAL_DIFFERENCE)
def test_these_are_the_files_of_the_logs(corpus: Path, net: str) -> None:
    pairs = zip(load_network(corpus, net).layers, load_update(corpus, net).layers, strict=True)
    total = sum(float(np.abs(b.weights - a.weights).astype(np.float64).sum()) for a, b in pairs)
    assert total == pytest.approx(TOTAL_DIFFERENCE[net], abs=1e-4)


def vnnlib_box(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The first box of a property file."""
    lo, hi = np.full(5, np.nan), np.full(5, np.nan)
    for sign, i, value in re.findall(r"\(([<>])= X_(\d) (\S+?)\)", path.read_text(encoding="utf-8")):
        end = hi if sign == "<" else lo
        end[int(i)] = value if np.isnan(end[int(i)]) else end[int(i)]
    return lo, hi


@pytest.mark.parametrize("prop", [1, 3, 4, 5, 7, 8, 9, 10])
def test_boxes_are_those_of_the_vnn_competition(corpus: Path, prop: int) -> None:
    """Up to the digits of pi, and the float32 arithmetic of the tools."""
    lo, hi = vnnlib_box(corpus / "vnn" / "acasxu" / "vnnlib" / f"prop_{prop}.vnnlib")
    ours = next(t for t in load_tasks(corpus) if t.property == prop).box(corpus)
    assert np.allclose(ours[0], lo, atol=3e-7, rtol=0)
    assert np.allclose(ours[1], hi, atol=3e-7, rtol=0)


def test_halves_of_property_six_stop_at_a_speed_of_200(corpus: Path) -> None:
    """Unlike property 6 elsewhere, where input 3 goes up to 1200 (0.5)."""
    for prop in (16, 26):
        _, hi = Task(prop, "1_1").box(corpus)
        assert hi[3] == np.float32(-450) / np.float32(1100)
        assert hi[0] == (np.float32(60760) - np.float32(19791.091)) / np.float32(60261)  # cut from 62000


def test_no_sample_contradicts_what_is_published(corpus: Path) -> None:
    """Proofs of one output, first passes of all five."""
    published = load_published(corpus)
    r = np.random.default_rng(5)
    for task in load_tasks(corpus):
        lo, hi = task.box(corpus)
        x = points_in(r, lo, hi, 300)
        low, high = difference_bounds(load_network(corpus, task.net), load_update(corpus, task.net), x)
        assert np.max(high - low) < 1e-6
        reached = np.maximum(low, -high).max(axis=0)  # |difference| at least
        for eps in EPSILONS:
            if published["neurodiff", eps][task].proved:
                assert reached[task.output] < eps, task
        assert reached.max() <= min(found[task].first_pass for found in published.values()), task


@pytest.mark.parametrize("net", ["1_1", "2_7", "5_9"])
def test_evaluations_agree(corpus: Path, net: str) -> None:
    r = np.random.default_rng(2)
    for network in (load_network(corpus, net), load_update(corpus, net)):
        lo, hi = Task(1, net).box(corpus)
        x = points_in(r, lo, hi, 3)
        exact, (low, high) = ExactNet.of(network.layers)(rationals(x)), network.enclose(x)
        assert np.allclose(network.forward(x), exact.floats(), atol=1e-9)
        bounds = [_core.bound(network.graph(), [p[None]], [p[None]], "real")[0] for p in x]
        for i, j in np.ndindex(low.shape):
            value = exact.fraction((i, j))
            assert Fraction(low[i, j]) <= value <= Fraction(high[i, j])
            assert Fraction(bounds[i].lower.ravel()[j]) <= value <= Fraction(bounds[i].upper.ravel()[j])
