"""What people write by mistake in a search: each is refused by name, and told what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import targets
from gonogo.errors import ArchitectureError, LimitError, SpaceError, TargetError

TARGET = "stm32f746"
SPACE = gg.Space(width=gg.Int(4, 16), blocks=gg.Int(1, 3), kind=gg.Choice("a", "b"))
Build = Callable[[Any, Any], Any]


def plain(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), h.width)


def gate(**limits: Any) -> gg.Gate:
    return gg.Gate(gg.Space(width=gg.Int(4, 16)), plain, target=TARGET, limits=limits)


# ---- Python deciding on a symbol


def with_if(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), h.width if h.blocks > 1 else 3)


def with_equal(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), 3 if h.kind == "a" else 4)


def with_range(h: Any, net: Any) -> Any:
    x = net.input(8)
    for _ in range(h.blocks):
        x = net.dense(x, h.width)
    return x


def with_while(h: Any, net: Any) -> Any:
    x, i = net.input(8), 0
    while i < h.blocks:
        x, i = net.dense(x, h.width), i + 1
    return x


def with_and(h: Any, net: Any) -> Any:
    x = net.input(8)
    with net.when(h.blocks > 1 and h.width > 4):
        x = net.dense(x, 3)
    return net.dense(x, 2)


def with_chain(h: Any, net: Any) -> Any:
    x = net.input(8)
    with net.when(1 < h.blocks < 3):
        x = net.dense(x, 3)
    return net.dense(x, 2)


def with_max(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), max(h.width, h.blocks))


def with_list(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), [8, 16, 32, 64][h.blocks])


def with_dict(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), {"a": 1, "b": 2}[h.kind])


def with_int(h: Any, net: Any) -> Any:
    return net.dense(net.input(8), int(h.width))


@pytest.mark.parametrize(
    ("build", "instead"),
    [
        (with_if, "net.select(condition, a, b)"),
        (with_equal, "net.select(condition, a, b)"),
        (with_range, "net.repeat(n) for range(n)"),
        (with_while, "net.repeat(n)"),
        (with_and, "& | ~ for `and`"),
        (with_chain, "& | ~ for `and`"),
        (with_max, "net.maximum"),
        (with_list, "net.switch(choice, branches)"),
        (with_dict, "net.switch(choice, branches)"),
        (with_int, "net.when(condition)"),
    ],
)
def test_python_deciding_on_a_symbol(build: Build, instead: str) -> None:
    with pytest.raises(ArchitectureError, match="Python can't decide on it") as caught:
        gg.Architecture(SPACE, build)
    assert instead in str(caught.value)
    # The traceback leads to the user's own line.
    assert any(entry.frame.code.name == build.__name__ for entry in caught.traceback)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda h, net: net.dense(net.input(8), h.width / 2), "is a fraction; write math.floor(...)"),
        (lambda h, net: net.dense(net.input(8), h.kind), "is a choice of texts; write net.switch"),
        (
            lambda h, net: net.dense(net.input(8), h.widht),
            "h.widht: no such parameter; did you mean h.width?",
        ),
        (lambda h, net: net.dense(net.input(8), h.colour), "there are: width, blocks, kind"),
        (
            plain,
            "parameter 'blocks' isn't used by the build function; use h.blocks, or declare it with used=False",
        ),
        (lambda h, net: None, "draws no net.input"),
    ],
)
def test_parameters_unused_unknown_and_of_the_wrong_kind(build: Build, said: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        gg.Architecture(SPACE, build)
    assert said in str(caught.value)


def test_configurations_that_arent_in_the_space() -> None:
    for config, said in (
        ({"wdth": 4}, "'wdth'; did you mean 'width'"),
        ({}, "parameter 'width' is missing; it is Int(4, 16)"),
        ({"width": 3}, "3 isn't allowed; allowed is 4 to 16; nearest is 4"),
        ({"width": 4, "depth": 1}, "no parameter is called 'depth'"),
    ):
        with pytest.raises(SpaceError) as caught:
            gate(macs=100).check(config)
        assert said in str(caught.value)


# ---- nothing fits


def test_a_space_with_no_feasible_point() -> None:
    empty = gate(macs=31)  # 8 inputs by 4 units are 32
    report = empty.tighten(seconds=5.0)
    assert report.empty
    assert report.core is not None
    assert report.core.limits == ("macs",)
    assert report.core.relaxations["macs"] == (32.0, {"width": 4})
    text = str(report)
    assert "100.0% infeasible" in text
    assert "width: nothing" in text
    assert "macs: 32 MACs would let in width=4" in text
    with pytest.raises(SpaceError, match="whole space is proved infeasible"):
        report.paving.sample(np.random.default_rng(0), 1)


def test_a_sampler_over_nothing_says_what_to_change() -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    empty = gate(macs=31)
    study = optuna.create_study(
        sampler=gg.hpo.optuna.FeasibleSampler(empty, optuna.samplers.RandomSampler(seed=0))
    )
    with pytest.raises(SpaceError, match=r"proved infeasible.*raise a limit or widen the space"):
        study.optimize(empty.wrap(lambda trial: 0.0), n_trials=1)


# ---- units


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"ram": 64}, "64 has no unit; write it as text, for example '64 B'"),
        ({"ram": "64"}, "the unit is missing; units: B, kB, KiB, MB, MiB"),
        ({"latency": "50"}, "the unit is missing; units: s, ms, us"),
        ({"latency": 0.05}, "for example '0.05 s'"),
        ({"energy": "2 mW"}, "unknown unit 'mW'; units: J, mJ, uJ"),
        ({"flash": "64 kib"}, "unknown unit 'kib'; units: B, kB, KiB"),
        ({"memory": "64 KiB"}, "no limit is called 'memory'; known: ram, flash"),
    ],
)
def test_limits_without_units(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(LimitError) as caught:
        gate(**limits)
    assert said in str(caught.value)


BOARD = (Path(targets.__file__).parent / f"{TARGET}.toml").read_text(encoding="utf-8")
UNITS = [m.group(0) for m in re.finditer(r'(^unit = "[^"]*"\n)|(, unit = "[^"]*")', BOARD, re.MULTILINE)]


@pytest.mark.parametrize("place", range(len(UNITS)))
def test_a_target_file_with_a_missing_unit(tmp_path: Path, place: int) -> None:
    starts = [m.start() for m in re.finditer(r'(^unit = "[^"]*"\n)|(, unit = "[^"]*")', BOARD, re.MULTILINE)]
    start, text = starts[place], UNITS[place]
    board = tmp_path / "board.toml"
    board.write_text(BOARD[:start] + BOARD[start + len(text) :])
    with pytest.raises(TargetError) as caught:
        targets.load(board)
    unit = text.split('"')[1]
    message = str(caught.value)
    assert "board.toml" in message
    assert "unit: the unit is missing; write unit = " in message
    assert f'"{unit}"' in message
    board.write_text(BOARD[:start] + text.replace(unit, "furlong") + BOARD[start + len(text) :])
    with pytest.raises(TargetError, match=r"board.toml.*unit: 'furlong' isn't one of"):
        targets.load(board)


def test_there_are_units_to_miss() -> None:
    assert len(UNITS) >= 4  # two memories, the clock, the cycles
