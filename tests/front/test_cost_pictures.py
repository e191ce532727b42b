"""Pictures of costs and searches: the data in the marks is the data in the results, in matplotlib and in plotly."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gonogo import Choice, Gate, Int, Space, _core, analysis, report
from gonogo.hpo import SpaceReport
from gonogo.report import drawings
from gonogo.report.trade_off import trade_off
from gonogo.results import CostResult

pytest.importorskip("matplotlib")
TARGET = "stm32f746+tflm"
COSTS = np.array([100.0, 200.0, 300.0, 400.0, 300.0])
VALUES = np.array([0.5, 0.9, 0.7, 0.95, 0.9])


def build(h: Any, net: Any) -> Any:
    x = net.input(16, 16, h.channels)
    for _ in net.repeat(h.blocks):
        x = net.conv2d(x, 8, activation="relu", name="a_convolution_whose_name_is_rather_long")
    return net.dense(net.global_average_pool(x), 10)


@pytest.fixture(scope="module")
def gate() -> Gate:
    space = Space(channels=Int(1, 64), blocks=Choice(1, 2, 3))
    return Gate(space, build, target=TARGET, limits={"ram": "12 KiB", "macs": "2 M"})


@pytest.fixture(scope="module")
def cost(gate: Gate) -> CostResult:
    return gate.cost({"channels": 4, "blocks": 3})


@pytest.fixture(scope="module")
def tightened(gate: Gate) -> SpaceReport:
    return gate.tighten(seconds=5.0)


# ---- memory


def test_every_buffer_is_a_rectangle_of_its_life_and_place(cost: CostResult) -> None:
    (axes,) = report.memory_timeline(cost).axes
    buffers = _core.plan_buffers(cost.graph, cost.target_description.core)
    drawn = {
        (p.get_x() + 0.5, p.get_width(), round(p.get_y() * 1024), round(p.get_height() * 1024))
        for c in axes.containers
        for p in c.patches
    }
    assert drawn == {(b.first - 1, b.last - b.first + 1, b.offset_bytes, b.size_bytes) for b in buffers}
    assert any("KiB" in text for text in (axes.get_ylabel(),))
    assert f"{cost.core.ram_activation_bytes:,} B, exact" in axes.get_title()
    assert len(axes.get_xticks()) == len(cost.graph.nodes)


def test_the_peak_is_the_engines(cost: CostResult) -> None:
    drawn = drawings.timeline(cost)
    assert max(drawn.live_bytes) == cost.core.ram_live_bytes == drawn.live_bytes[drawn.peak]
    (axes,) = report.memory_timeline(cost).axes
    band = axes.patches[0] if axes.patches[0] not in [p for c in axes.containers for p in c] else None
    assert band is not None
    assert (band.get_x(), band.get_width()) == (drawn.peak - 0.5, 1.0)
    assert drawn.operators[drawn.peak] in axes.get_title()


def test_scratch_is_told_apart(cost: CostResult) -> None:
    drawn = drawings.timeline(cost)
    names = set(cost.graph.tensor_names)
    assert {b.name for b in drawn.blocks if b.is_scratch}.isdisjoint(names)
    assert any(b.is_scratch for b in drawn.blocks)


def test_long_names_give_way_to_operators(cost: CostResult, deployed_path: str) -> None:
    (axes,) = report.memory_timeline(cost).axes
    labels = [t.get_text() for t in axes.get_xticklabels()]
    assert labels == ["0 conv2d", "1 conv2d", "2 conv2d", "3 mean_1", "4 dense_1"]
    (axes,) = report.latency_by_layer(analysis.cost(deployed_path, TARGET)).axes
    assert [t.get_text() for t in axes.get_yticklabels()][:2] == [
        "0 conv (conv2d)",
        "1 depthwise (depthwise_conv2d)",
    ]


def test_without_a_plan_the_reason_is_given(deployed_path: str) -> None:
    core = SimpleNamespace(
        ram_activation_bytes=None, latency_seconds=None, instructions=None, notes=["RAM: why"]
    )
    found = analysis.cost(deployed_path, TARGET)
    bare: Any = SimpleNamespace(core=core, graph=found.graph, target=TARGET)
    with pytest.raises(ValueError, match=r"digits_int8.tflite: no memory plan to draw: RAM: why"):
        drawings.timeline(bare)
    with pytest.raises(ValueError, match=r"no latency to draw"):
        drawings.layers(bare)


# ---- latency


def test_bars_of_layers_add_up_to_the_network(cost: CostResult) -> None:
    (axes,) = report.latency_by_layer(cost).axes
    widths = [bar.get_width() for bar in axes.containers[0]]
    assert len(widths) == len(cost.graph.nodes)
    assert cost.latency is not None
    scale = {"ms": 1e-3, "µs": 1e-6}[axes.get_xlabel().rpartition(", ")[2]]
    assert sum(widths) * scale == pytest.approx(cost.latency.value)
    assert axes.yaxis_inverted()


def test_a_cost_as_one_picture(cost: CostResult, tmp_path: Path) -> None:
    figure = report.figure(cost)
    assert len(figure.axes) == 2
    report.plot(cost, str(tmp_path / "x.svg"))
    assert (tmp_path / "x.svg").read_text().count("<svg") == 1


# ---- a space's profile


def test_a_panel_per_parameter_with_the_profile_in_it(tightened: SpaceReport) -> None:
    figure = report.space_profile(tightened)
    panels = {axes.get_xlabel(): axes for axes in figure.axes}
    assert set(panels) == {"channels", "blocks"}
    for name, axes in panels.items():
        found = {c.get_label(): [p.get_height() for p in c.patches] for c in axes.containers}
        table = 100.0 * tightened.profile[name]
        for i, label in enumerate(("feasible", "proved infeasible", "undecided")):
            assert found[label] == pytest.approx(
                table[:, i].tolist(), abs=1e-9
            )  # a bar is drawn from end to end
        assert all(p.get_hatch() for c in axes.containers if "proved" in c.get_label() for p in c.patches)
    assert [t.get_text() for t in panels["blocks"].get_xticklabels()] == ["1", "2", "3"]
    long = [p.get_x() + p.get_width() / 2 for p in panels["channels"].containers[0].patches]
    assert long == list(range(1, 65))  # too many for labels: placed at their values


def test_the_profile_never_claims_more_than_an_enumeration_finds(gate: Gate, tightened: SpaceReport) -> None:
    found = {s.parameter: s for s in drawings.profile(tightened)}
    configs = [(config, gate.check(config).verdict.value) for config in gate.space.enumerate()]
    claimed = 0.0
    for name, shares in found.items():
        for i, value in enumerate(shares.values):
            there = [verdict for config, verdict in configs if config[name] == value]
            for kind in ("feasible", "infeasible"):
                part = shares.shares[kind][i] * len(there)
                assert part <= there.count(kind) + 1e-9
                claimed += part
    assert claimed > 0.5 * 2 * len(configs)  # and it does claim something


# ---- trade-offs


def test_the_front_against_all_pairs() -> None:
    rng = np.random.default_rng(5)
    for maximise in (True, False):
        costs, values = rng.integers(0, 12, 60).astype(float), rng.integers(0, 12, 60).astype(float)
        found = trade_off((costs, values), cost="ram", maximise=maximise, limit="8 B")
        good = values if maximise else -values
        for i in range(60):
            beaten = any(
                costs[j] <= costs[i] and good[j] >= good[i] and (costs[j], good[j]) != (costs[i], good[i])
                for j in range(60)
                if costs[j] <= 8
            )
            assert found.front[i] == (costs[i] <= 8 and not beaten)


def test_points_front_and_the_part_ruled_out() -> None:
    figure = report.pareto(
        (COSTS, VALUES), cost="ram", name="accuracy", maximise=True, limit="350 B", rejected=[500.0, 600.0]
    )
    (axes,) = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert lines["Pareto front"] == [[100.0, 0.5], [200.0, 0.9]]
    assert sorted(lines["within limits"]) == [[300.0, 0.7], [300.0, 0.9]]
    assert lines["outside a limit"] == [[400.0, 0.95]]
    assert [x for x, _ in lines["rejected untrained: 2"]] == [500.0, 600.0]
    (region,) = [p for p in axes.patches if p.get_label() == "infeasible: beyond 350 B"]
    assert region.get_x() == 350.0
    assert region.get_x() + region.get_width() == axes.get_xlim()[1] > 600.0
    assert region.get_hatch()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("RAM, B", "accuracy")


def test_the_axis_has_the_unit_that_reads_best() -> None:
    labels = {
        ("ram", "64 KiB", 60000.0): "RAM, KiB",
        ("latency", "50 ms", 0.02): "latency, ms",
        ("energy", "1 mJ", 9e-4): "energy, mJ",
        ("macs", "5 M", 4e6): "MACs, M",
    }
    for (cost, limit, value), label in labels.items():
        found = trade_off(([value], [1.0]), cost=cost, limit=limit, maximise=True)
        assert found.axis == label
    assert report.pareto(([0.01], [1.0]), cost="latency", maximise=True).axes[0].get_xlabel() == "latency, ms"


def test_intervals_stand_at_their_lower_ends() -> None:
    found = trade_off(
        ([[100.0, 300.0], [250.0, 260.0]], [1.0, 2.0]), cost="flash", maximise=False, limit="200 B"
    )
    assert found.within.tolist() == [True, False]  # only what is beyond as a whole is ruled out
    assert found.front.tolist() == [True, False]


def test_wrong_sources_say_what_to_pass() -> None:
    for source, options, said in (
        ((COSTS, VALUES), {"cost": "weight"}, "isn't one of ram, flash"),
        ((COSTS, VALUES), {}, "maximise=True or False"),
        ((COSTS, VALUES[:2]), {"maximise": True}, r"shapes \(n,\) or \(n, 2\)"),
        ((COSTS,), {"maximise": True}, r"pass \(costs, values\)"),
        (SimpleNamespace(trials=[]), {}, "put it into the gate's limits"),
        (SimpleNamespace(trials=[]), {"maximise": True}, "a study knows these itself"),
    ):
        with pytest.raises(ValueError, match=said):
            report.pareto(source, **{"cost": "ram", **options})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pass an Optuna study"):
        report.pareto([1, 2], cost="ram")


def test_a_study_behind_a_gate(gate: Gate) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trained = []

    def objective(trial: Any) -> float:
        trained.append(dict(trial.params))
        return float(trial.params["channels"])

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=3))
    study.optimize(gate.wrap(objective), n_trials=40)
    found = trade_off(study, cost="ram", name="channels")
    assert 0 < len(trained) < 40
    assert found.values.tolist() == [float(c["channels"]) for c in trained]
    assert [gate.check(c).outcomes[0].low for c in trained] == found.low.tolist()
    assert len(found.rejected) == 40 - len(trained)
    assert found.limit == 12 * 1024.0
    assert found.maximise
    # RAM is partly an estimate, which may not reject: what is trained can be beyond the limit, and is outside then.
    fits = [gate.check(c).outcomes[0].low <= 12 * 1024 for c in trained]
    assert found.within.tolist() == fits
    assert not all(fits)
    assert found.values[found.front].max() == max(
        c["channels"] for c, fit in zip(trained, fits, strict=True) if fit
    )


# ---- plotly


def test_plotly_shows_the_same_numbers(cost: CostResult, tightened: SpaceReport) -> None:
    pytest.importorskip("plotly")
    from gonogo.report import plotly

    bars = plotly.memory_timeline(cost).data
    blocks = drawings.timeline(cost).blocks
    drawn = {
        (x, w, round(b * 1024), round(y * 1024))
        for t in bars[:2]
        for x, w, b, y in zip(t.x, t.width, t.base, t.y, strict=True)
    }
    assert drawn == {
        ((b.first + b.last) / 2, b.last - b.first + 1, b.offset_bytes, b.size_bytes) for b in blocks
    }
    (latency,) = plotly.latency_by_layer(cost).data
    assert cost.latency is not None
    assert sum(latency.x) * 1e-3 == pytest.approx(cost.latency.value)
    space = plotly.space_profile(tightened).data
    assert [t.name for t in space[:3]] == ["feasible", "undecided", "proved infeasible"]
    assert list(space[2].y) == (100.0 * tightened.profile["channels"][:, 1]).tolist()
    assert all(t.marker.pattern.shape == "/" for t in space if t.name == "proved infeasible")


def test_plotly_trade_off() -> None:
    pytest.importorskip("plotly")
    from gonogo.report import plotly

    figure = plotly.pareto(
        (COSTS, VALUES), cost="ram", name="accuracy", maximise=True, limit="350 B", rejected=[500]
    )
    traces = {t.name: t for t in figure.data}
    assert list(traces["Pareto front"].x) == [100.0, 200.0]
    assert list(traces["outside a limit"].x) == [400.0]
    assert list(traces["rejected untrained: 1"].x) == [500.0]
    assert min(traces["infeasible: beyond 350 B"].x) == 350.0
    assert figure.layout.xaxis.title.text == "RAM, B"
    assert figure.layout.yaxis.title.text == "accuracy"


def test_without_plotly_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch, cost: CostResult) -> None:
    from gonogo.report import plotly

    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r"pip install 'gonogo\[plotly\]'"):
        plotly.memory_timeline(cost)
