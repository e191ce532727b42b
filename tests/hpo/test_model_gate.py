"""The gate: only what is proved rejects, and nothing that fits ever does."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import gonogo as gg
import pytest
from gonogo import targets
from gonogo.hpo import BuildError, ModelGate
from gonogo.hpo.checked import MAX_MARGIN, log_margin
from gonogo.results import Feasibility
from hypothesis import given
from hypothesis import strategies as st
from support import toy_search as toy

TARGET = "stm32l4r5zi+tflm"


def gate(limits: dict[str, Any], **options: Any) -> ModelGate:
    return ModelGate(toy.skeleton, target=TARGET, limits=limits, **options)


@pytest.mark.parametrize("name", ["macs", "ram", "flash"])
def test_a_configuration_is_rejected_exactly_when_an_exact_count_is_beyond_its_limit(name: str) -> None:
    """Over the whole space, against counts written down independently of the cost engine."""
    count = {"macs": toy.macs, "ram": toy.activation_bytes, "flash": toy.constant_bytes}[name]
    limit = 700 if name == "macs" else 500
    judge = gate({name: limit if name == "macs" else f"{limit} B"})
    seen = set()
    for width in range(1, 600, 7):
        checked = judge.check({"width": width})
        assert checked.infeasible == (count(width) > limit), width
        assert (checked.margins[name] > 0) == (count(width) > limit), width
        seen.add(checked.infeasible)
    assert seen == {True, False}


@pytest.mark.parametrize("limit", [1, 128, 129, 128 * 64])
def test_a_count_at_its_limit_passes(limit: int) -> None:
    checked = gate({"macs": limit}).check({"width": 16})
    assert checked.infeasible == (limit < 128)
    assert checked.margins["macs"] == pytest.approx(math.log(128 / limit), abs=1e-12)


def test_an_estimate_doesn_t_reject_by_itself() -> None:
    checked = gate({"latency": "1 us"}).check({"width": 100})
    assert checked.verdict is Feasibility.UNDECIDED
    assert checked.margins["latency"] == 0.0
    assert checked.deciding is not None
    assert checked.deciding.name == "latency"
    assert checked.deciding.low_standing == "estimated"


def test_an_estimate_rejects_on_request_when_its_whole_interval_is_beyond() -> None:
    latency = gg.cost(toy.skeleton({"width": 100}), TARGET).latency
    assert latency is not None
    for limit, infeasible in [
        (Fraction(latency.low) * Fraction(999, 1000), True),
        (Fraction(latency.low), False),
        (Fraction(latency.value), False),
        (Fraction(latency.high) * 2, False),
    ]:
        text = f"{float(limit):.17e} s"
        checked = gate({"latency": text}, reject_on_estimates=("latency",)).check({"width": 100})
        exact = gg.Limits(latency=text)["latency"].value
        assert checked.infeasible == (Fraction(latency.low) > exact) == infeasible
        assert (checked.margins["latency"] > 0) == infeasible
        assert checked.margins["latency"] == pytest.approx(math.log(latency.low / float(exact)), abs=1e-11)


def test_the_exact_part_of_an_estimate_rejects() -> None:
    """RAM as a whole is estimated, but its activations alone are too much."""
    checked = gate({"ram": "100 B"}).check({"width": 200})
    assert checked.infeasible
    assert checked.deciding is not None
    assert checked.deciding.low_standing == "exact"
    assert checked.deciding.low == toy.activation_bytes(200)
    # Not the activations, but activations and the estimated rest: undecided.
    between = gate({"ram": f"{toy.activation_bytes(200) + 1} B"}).check({"width": 200})
    assert between.verdict is Feasibility.UNDECIDED


def test_the_device_s_own_memories_are_limits() -> None:
    judge = ModelGate(toy.skeleton, target="stm32g0b1re+tflm")
    assert judge.keys == ("ram_device", "flash_device")
    assert judge.check({"width": 10}).verdict is Feasibility.FEASIBLE
    checked = judge.check({"width": 200_000})
    assert checked.infeasible
    assert set(checked.margins) == {"ram_device", "flash_device"}


def test_keys_are_the_same_and_in_the_same_order_for_every_configuration() -> None:
    limits = {"error": 0.5, "macs": 500, "latency": "1 ms", "flash": "1 KiB", "ram": "1 KiB"}
    judge = gate(limits)
    expected = ("ram", "ram_device", "flash", "flash_device", "latency", "macs", "error")
    assert judge.keys == expected
    for width in (1, 60, 900):
        assert tuple(judge.check({"width": width}).margins) == expected[:-1]


@pytest.mark.parametrize(
    ("limits", "options", "match"),
    [
        ({"ram": "64"}, {}, "unit is missing"),
        ({"rom": "64 KiB"}, {}, "no limit is called 'rom'"),
        ({"macs": 5}, {"reject_on_estimates": ("latency",)}, "no limit on 'latency'"),
        ({"macs": 5, "error": 1}, {"reject_on_estimates": ("error",)}, "no limit on 'error'"),
    ],
)
def test_wrong_limits(limits: dict[str, Any], options: dict[str, Any], match: str) -> None:
    with pytest.raises(gg.errors.LimitError, match=match):
        gate(limits, **options)


def test_a_gate_that_could_decide_nothing_is_refused() -> None:
    device = replace(targets.load(TARGET), ram_bytes=None, flash_bytes=None)
    with pytest.raises(gg.errors.LimitError, match="nothing to decide"):
        ModelGate(toy.skeleton, target=device)


# ---- builders


def fails(params: toy.Params) -> gg._core.Graph:
    raise ZeroDivisionError("no stride\nof 0")


def returns_a_number(params: toy.Params) -> Any:
    return 5


def test_a_builder_that_fails_is_named_with_its_configuration() -> None:
    with pytest.raises(
        BuildError, match=r"model of \(width=3\): ZeroDivisionError: no stride of 0"
    ) as caught:
        ModelGate(fails, target=TARGET, limits={"macs": 5}).check({"width": 3})
    assert isinstance(caught.value, gg.GonogoError)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_builder_that_returns_no_model() -> None:
    with pytest.raises(BuildError, match="int returned; return a Graph, a path, or a model file's bytes"):
        ModelGate(returns_a_number, target=TARGET, limits={"macs": 5}).check({})
    with pytest.raises(TypeError, match="model_of: int given"):
        ModelGate(5, target=TARGET, limits={"macs": 5})  # type: ignore[arg-type]


def test_a_builder_may_return_a_path_or_bytes() -> None:
    path = Path(gg.__file__).parent / "demo" / "digits_int8.tflite"
    expected = gg.cost(path, TARGET).core.macs
    for built in (path, str(path), path.read_bytes(), gg.load(path)):
        judge = ModelGate(lambda params, built=built: built, target=TARGET, limits={"flash": "4 KiB"})
        checked = judge.check({})
        assert checked.cost.core.macs == expected
        assert checked.infeasible  # the file is 4,432 bytes, exactly
        assert checked.margins["flash"] == pytest.approx(math.log(4432 / 4096))


def test_bytes_that_are_no_model() -> None:
    with pytest.raises(gg.errors.ModelError):
        ModelGate(lambda params: b"junk", target=TARGET, limits={"macs": 5}).check({})


# ---- the rest


def test_a_gate_survives_pickling() -> None:
    before = gate({"macs": 500, "ram": "1 KiB"}, reject_on_estimates=("ram",))
    for target in (TARGET, targets.load(TARGET)):
        judge = ModelGate(toy.skeleton, target=target, limits=before.limits, reject_on_estimates=("ram",))
        after = pickle.loads(pickle.dumps(judge))
        assert str(after.check({"width": 60})) == str(before.check({"width": 60}))
        assert after.keys == before.keys


def test_a_target_of_one_s_own_doesn_t_pickle_but_its_path_does(tmp_path: Path) -> None:
    text = (Path(targets.__file__).parent / f"{TARGET.removesuffix('+tflm')}.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(text.replace('name = "stm32l4r5zi"', 'name = "mine"', 1))
    with pytest.raises(TypeError, match="give the gate its path instead"):
        pickle.dumps(ModelGate(toy.skeleton, target=targets.load(file), limits={"macs": 5}))
    after = pickle.loads(pickle.dumps(ModelGate(toy.skeleton, target=file, limits={"macs": 5})))
    assert after.target.name == "mine"


def test_text_and_provenance() -> None:
    checked = gate({"macs": 500}).check({"width": 100})
    assert str(checked).splitlines()[0] == "infeasible"
    assert "macs = 800, limit 500: infeasible" in str(checked)
    assert checked.result.provenance.question == "gate"
    assert checked.result.provenance.target == TARGET
    assert checked.params == {"width": 100}


positive = st.fractions(min_value=Fraction(1, 10**12), max_value=10**12)


@given(st.floats(min_value=0, allow_nan=False), st.one_of(st.just(Fraction(0)), positive))
def test_a_margin_is_positive_exactly_beyond_the_limit(value: float, limit: Fraction) -> None:
    margin = log_margin(value, limit)
    assert (margin > 0) == (value > limit)
    assert (margin == 0) == (value == limit)
    assert abs(margin) <= MAX_MARGIN


@given(positive)
def test_a_margin_sees_the_last_bit(limit: Fraction) -> None:
    value = float(limit)
    for near in (math.nextafter(value, math.inf), value, math.nextafter(value, 0)):
        assert (log_margin(near, limit) > 0) == (Fraction(near) > limit)
