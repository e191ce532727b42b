"""What stands for layers that a configuration doesn't have, where branches, selections and repetitions are nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gonogo.architecture import Layer, Net
from gonogo.hpo.gate import Gate
from gonogo.space import Choice, Int, Space
from support.latencies import seconds_of


def select_in_repeat(h: Any, net: Net) -> Layer:
    """The sum in a block that is left out is replaced by what its selection selects from."""
    x = net.conv2d(net.input(8, 8, 1), 4)
    for _ in net.repeat(h.n):
        y = net.conv2d(x, h.width)
        z = net.conv2d(x, h.width, 1)
        x = net.relu(net.select(h.flag, y, z))
    return net.dense(x, 3)


def branches_of_different_rank(h: Any, net: Net) -> Layer:
    x = net.conv2d(net.input(8, 8, 1), h.width)
    ends = {True: lambda: net.global_average_pool(x), False: lambda: net.dense(x, h.width)}
    for _ in net.repeat(h.n):
        x = net.conv2d(x, h.width)
    with net.when(h.width > 3):
        x = net.conv2d(x, 5)
    kind = {"a": ends[True], "b": ends[False]}
    return net.dense(net.switch(h.kind, kind), 3)


def switch_in_repeat(h: Any, net: Net) -> Layer:
    x = net.conv2d(net.input(8, 8, 1), 4)
    for _ in net.repeat(h.n):
        y = x
        kind = {"a": lambda y=y: net.conv2d(y, h.width), "b": lambda y=y: y}  # type: ignore[misc]
        x = net.switch(h.kind, kind)
    return net.dense(x, 3)


def some_numbers(h: Any, net: Net) -> Layer:
    """Widths without a branch take the last one's way around: its input."""
    x = net.conv2d(net.input(8, 8, 1), 4)
    branches = {2: lambda: net.conv2d(x, 9), 3: lambda: net.conv2d(x, 7)}
    return net.dense(net.switch(h.width, branches), h.n + 1)


def branch_read_outside(h: Any, net: Net) -> Layer:
    """A layer of a branch, read elsewhere too, stands for itself only where its branch is taken."""
    x = net.conv2d(net.input(8, 8, 1), h.width)
    kept: list[Layer] = []

    def branch(x: Layer) -> Layer:
        kept.append(net.conv2d(x, x.channels))
        return kept[0]

    for _ in net.repeat(h.n):
        z = x
        y = net.switch(h.kind, {"a": lambda z=z: branch(z), "b": lambda z=z: net.relu(z)})  # type: ignore[misc]
        x = net.concat([y, kept.pop()])
    return net.dense(x, 3)


CASES: dict[str, tuple[Callable[..., Layer], tuple[str, ...]]] = {
    f.__name__: (f, names)
    for f, names in (
        (select_in_repeat, ("n", "width", "flag")),
        (branches_of_different_rank, ("n", "width", "kind")),
        (switch_in_repeat, ("n", "width", "kind")),
        (some_numbers, ("n", "width")),
        (branch_read_outside, ("n", "width", "kind")),
    )
}
PARAMETERS = {
    "n": Int(0, 3),
    "width": Int(1, 5),
    "flag": Choice(False, True),
    "kind": Choice("a", "b"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_configuration_costs_what_its_network_does(name: str) -> None:
    build, names = CASES[name]
    space = Space(**{n: PARAMETERS[n] for n in names})
    gate = Gate(space, build, target="stm32f746", limits={"ram": "64 KiB"})
    for config in space.enumerate():
        numbers, cost = gate.check(config).numbers, gate.cost(config).core
        assert numbers["macs"] == cost.macs, config
        assert numbers["parameter_bytes"] == cost.parameter_bytes, config
        assert numbers["ram_activations"] == cost.ram_activation_bytes, config
        assert numbers["ram_live"] == cost.ram_live_bytes, config
        assert numbers["ram_persistent"] == cost.ram_persistent_bytes, config
        assert seconds_of(numbers["cycles"], gate.target.core) == cost.latency_seconds, config
