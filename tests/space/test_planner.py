"""Memory and counts of random architectures: points against the concrete network and TensorFlow Lite Micro itself,
boxes against every point inside."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from gonogo import _core, targets
from gonogo.architecture import Architecture
from gonogo.space import Choice, Int, Space
from support.latencies import seconds_of
from support.random_architectures import random_architecture
from support.written_graphs import write_graph

NUMBERS = _core.Judge.number_names
TARGETS = ("stm32f746", "cortex-m55", "stm32g0b1re")
MOST_POINTS = 200


def judge_of(architecture: Architecture, target: _core.CostTarget) -> _core.Judge:
    coding = architecture.coding
    return _core.Judge(
        architecture.graph,
        target,
        [(p.name, list(p.codes)) for p in coding.parameters],
        [coding.exists(p.name) for p in coding.parameters],
        [],
        128.0,
    )


def target_named(name: str) -> _core.CostTarget:
    if name == "host":
        return _core.CostTarget(name="host", kernels="reference", pointer_bits=64)
    return targets.load(name).core


def random_codes(architecture: Architecture, rng: np.random.Generator, n: int) -> list[list[float]]:
    return [[float(rng.choice(p.codes)) for p in architecture.coding.parameters] for _ in range(n)]


def config_of(architecture: Architecture, codes: list[float]) -> dict[str, Any]:
    coding = architecture.coding
    return coding.config([p.codes.index(c) for p, c in zip(coding.parameters, codes, strict=True)])


def small_box(architecture: Architecture, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """The values of each parameter in a random box with at most so many points that all can be looked at."""
    sides: list[tuple[float, ...]] = []
    points = 1
    order = rng.permutation(len(architecture.coding.parameters))
    by_parameter = {}
    for j in order:
        codes = architecture.coding.parameters[j].codes
        room = max(1, min(MOST_POINTS // points, len(codes)))
        length = int(rng.integers(1, room + 1))
        first = int(rng.integers(0, len(codes) - length + 1))
        by_parameter[j] = codes[first : first + length]
        points *= length
    for j in range(len(architecture.coding.parameters)):
        sides.append(tuple(by_parameter[j]))
    return sides


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("seed", range(6))
def test_every_point_is_inside_its_box(seed: int, target: str) -> None:
    rng = np.random.default_rng([seed, 2])
    for _ in range(6):
        architecture = random_architecture(rng, int(rng.integers(3, 14)))
        judge = judge_of(architecture, target_named(target))
        for _ in range(12):
            sides = small_box(architecture, rng)
            ends = [np.array([[s[e]] for s in sides]) for e in (0, -1)]
            low, high = judge.boxes(*ends)[0]
            columns = [np.array(c) for c in zip(*itertools.product(*sides), strict=True)]
            found = judge.points(columns, True)
            for i, name in enumerate(NUMBERS):
                assert low[i] <= found[name].min(), (name, sides)
                assert high[i] >= found[name].max(), (name, sides)


def test_every_order_of_sizes_is_followed() -> None:
    """Layers of one size whose widths cross in a box: the plan depends on which is placed first."""

    def build(h: Any, net: Any) -> Any:
        x = net.input(16, 16, 3)
        for width, stride in ((h.a, 2), (h.b, 1), (h.c, 1), (h.d, 1)):
            x = net.conv2d(x, width, 3, stride=stride, activation="relu")
        return net.dense(net.global_average_pool(x), 4)

    architecture = Architecture(Space(**{name: Int(4, 24) for name in "abcd"}), build)
    judge = judge_of(architecture, target_named("stm32f746"))
    rng = np.random.default_rng(8)
    lo = rng.integers(4, 20, (4, 100)).astype(np.float64)
    hi = np.minimum(lo + rng.integers(0, 6, lo.shape), 24.0)
    bounds = judge.boxes(lo, hi)[:, :, NUMBERS.index("ram_activations")]
    for b, (low, high) in enumerate(bounds):
        sides = [np.arange(x, y + 1.0) for x, y in zip(lo[:, b], hi[:, b], strict=True)]
        columns = [np.array(c) for c in zip(*itertools.product(*sides), strict=True)]
        found = judge.points(columns, True)["ram_activations"]
        assert low <= found.min()
        assert high >= found.max()


def test_a_box_of_one_point_is_its_point() -> None:
    """Where the box is one point, its counts are too: nothing stays open at the end of a search."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        architecture = random_architecture(rng, 10)
        judge = judge_of(architecture, target_named("stm32f746"))
        for codes in random_codes(architecture, rng, 10):
            column = np.array(codes)[:, None]
            low, high = judge.boxes(column, column)[0]
            numbers = judge.of_values(codes).numbers
            for i, name in enumerate(NUMBERS):
                assert low[i] == high[i] == numbers[name]


def differences(architecture: Architecture, target: _core.CostTarget, codes: list[float]) -> list[str]:
    """Names of the numbers that the network of one configuration has otherwise than its expressions say."""
    judged = judge_of(architecture, target).of_values(codes)
    cost = _core.cost(architecture.model(config_of(architecture, codes)), target)
    n = judged.numbers
    pairs = {
        "macs": (n["macs"], cost.macs),
        "other_operations": (n["other_operations"], cost.other_operations),
        "parameter_bytes": (n["parameter_bytes"], cost.parameter_bytes),
        "flash_code": (n["flash_code"], cost.flash_code_bytes[1]),
        "ram_live": (n["ram_live"], cost.ram_live_bytes),
        "ram_activations": (n["ram_activations"], cost.ram_activation_bytes),
        "ram_persistent": (n["ram_persistent"], cost.ram_persistent_bytes),
    }
    if target.plans_as_tflm:
        pairs["flash_model"] = (n["parameter_bytes"] + n["flash_around"], cost.flash_model_bytes[1])
    if cost.latency_seconds is not None:
        pairs["latency"] = (seconds_of(n["cycles"], target), cost.latency_seconds)
    return [name for name, (ours, theirs) in pairs.items() if theirs is not None and ours != theirs]


@pytest.mark.parametrize("target", [*TARGETS, "host"])
def test_points_are_equal_to_the_concrete_network(target: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(12):
        architecture = random_architecture(rng, int(rng.integers(3, 14)))
        for codes in random_codes(architecture, rng, 6):
            assert differences(architecture, target_named(target), codes) == [], codes


@pytest.mark.parametrize("seed", range(3))
def test_the_plan_is_that_of_tensorflow_lite_micro(seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """The network of a configuration, written as a file, and the arena that the runtime itself records for it."""
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    rng = np.random.default_rng([seed, 7])
    for _ in range(8):
        architecture = random_architecture(rng, int(rng.integers(3, 14)))
        judge = judge_of(architecture, target_named("host"))
        for codes in random_codes(architecture, rng, 3):
            numbers = judge.of_values(codes).numbers
            data = write_graph(architecture.model(config_of(architecture, codes)))
            capfd.readouterr()
            runtime.Interpreter.from_bytes(data, arena_size=1 << 22).print_allocations()
            text = "".join(capfd.readouterr())
            head, tail = (
                int(re.search(rf"Arena allocation {part} (\d+) bytes", text)[1])  # type: ignore[index]
                for part in ("head", "tail")
            )
            assert (numbers["ram_activations"], numbers["ram_persistent"]) == (head, tail)


def test_what_is_no_network_has_its_numbers_within_its_box_too() -> None:
    """Sizes below zero, of a window that doesn't fit, count as nothing at points and in boxes alike."""
    space = Space(k=Choice(3, 9))
    architecture = Architecture(
        space, lambda h, net: net.conv2d(net.input(5, 4, 1), 4, (h.k, 1), padding="valid")
    )
    judge = judge_of(architecture, target_named("stm32g0b1re"))
    numbers = judge.of_values([9.0]).numbers
    assert numbers["valid"] == 0.0
    for ends in ((3.0, 9.0), (9.0, 9.0)):
        low, high = judge.boxes(np.array([[ends[0]]]), np.array([[ends[1]]]))[0]
        for i, name in enumerate(NUMBERS):
            assert low[i] <= numbers[name] <= high[i], (ends, name)
