"""The verbs from Python."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core, analysis
from gonogo.errors import BoxError, GonogoError, LimitError, ModelError, TargetError, UnsupportedOperatorError
from gonogo.results import Feasibility, Verdict

SEARCH = 300_000


@pytest.fixture(scope="module")
def pair(reference_path: str, deployed_path: str) -> tuple[Any, Any]:
    return gg.load(reference_path), gg.load(deployed_path)


@pytest.fixture(scope="module")
def box(demo: Path) -> gg.Box:
    return gg.Box.from_file(demo / "digits_box.json")


def test_error_is_a_bracket_with_provenance(pair: tuple[Any, Any], box: gg.Box) -> None:
    found = gg.error(*pair, box, search=SEARCH, seed=3)
    assert 0 < found.witness.value <= found.worst
    assert (found.tensors[0].witness_values <= found.bound).all()
    assert found.bound.shape == found.tensors[0].lower.shape
    assert found.witness.inputs[0].shape == (1, 8, 8, 1)
    lo, hi = box.fit(pair[1])
    assert (lo[0] <= found.witness.inputs[0]).all()
    assert (found.witness.inputs[0] <= hi[0]).all()
    assert abs(sum(s.share for s in found.per_layer) - 1.0) < 1e-6
    p = found.provenance
    assert p.deployed is not None
    assert p.reference is not None
    assert (p.deployed.sha256, p.reference.sha256) == (pair[1].sha256, pair[0].sha256)
    assert p.box_sha256 == box.sha256
    assert p.rounding == _core.rounding
    assert dict(p.options) == {"method": "linear", "budget": "0 s", "search": str(SEARCH), "seed": "3"}
    assert dict(p.versions)["gonogo"] == gg.__version__
    assert not found.bound.flags.writeable


def test_the_same_question_has_the_same_answer(pair: tuple[Any, Any], box: gg.Box) -> None:
    first, second = (gg.error(*pair, box, search=SEARCH, seed=1) for _ in range(2))
    assert (first.bound == second.bound).all()
    assert first.witness.value == second.witness.value
    assert (first.witness.inputs[0] == second.witness.inputs[0]).all()


def test_paths_graphs_pairs_and_boxes_are_all_welcome(
    reference_path: str, deployed_path: str, pair: tuple[Any, Any], box: gg.Box
) -> None:
    by_path = gg.error(Path(reference_path), deployed_path, box, search=0)
    assert (by_path.bound == gg.error(*pair, box, search=0).bound).all()
    assert gg.bound(pair[1], (0.0, 1.0)).tensors
    assert gg.bound(pair[1]).provenance.assumptions
    for wrong in (3, None, b"x"):
        with pytest.raises(TypeError):
            gg.bound(wrong)  # type: ignore[arg-type]
    for wrong_box in (3, [0, 1], "box.json", (0.0, 1.0, 2.0)):
        with pytest.raises(BoxError):
            gg.bound(pair[1], wrong_box)  # type: ignore[arg-type]


def test_a_named_tensor(pair: tuple[Any, Any], box: gg.Box) -> None:
    found = gg.error(*pair, box, tensor="logits", search=SEARCH)
    assert [t.name for t in found.tensors] == ["logits"]
    assert found.tensor("logits").worst == found.worst
    with pytest.raises(KeyError):
        found.tensor("nothing")
    assert gg.bound(pair[1], box, tensor="logits").tensor == "logits"
    with pytest.raises(ModelError, match="nearest"):
        gg.error(*pair, box, tensor="logit")


def test_wrong_options(pair: tuple[Any, Any], box: gg.Box) -> None:
    for options in ({"profile": "tflite"}, {"search": -1}, {"search": 1.5}, {"seed": -1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            gg.error(*pair, box, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="semantics"):
        gg.bound(pair[1], box, semantics="float17")
    with pytest.raises(TargetError, match="stm32f746"):
        gg.cost(pair[1], "stm32f764")


def test_inputs_of_reference_and_deployed_must_match(pair: tuple[Any, Any], box: gg.Box) -> None:
    b = _core.GraphBuilder("other", "architecture")
    x = b.input("x", [1, 7], "float32")
    y = b.activation("y", None, "float32")
    b.node("relu", "n", [x], [y], {})
    b.output(y)
    with pytest.raises(GonogoError, match="other"):
        gg.error(b.build(), pair[1], box)


def test_check_decides(pair: tuple[Any, Any], box: gg.Box) -> None:
    result = gg.check(*pair, box, target="stm32f746", limits={"ram": "1 MiB", "error": 1e9}, search=SEARCH)
    assert result.verdict is Verdict.GO
    assert {(o.name, o.origin) for o in result.outcomes} >= {
        ("ram", "given"),
        ("ram", "device"),
        ("flash", "device"),
    }
    assert result.cost is not None
    assert result.error is not None
    assert result.provenance.target == "stm32f746"
    result = gg.check(*pair, box, target="stm32f746+tflm", limits={"ram": "600 B"}, search=SEARCH)
    assert result.verdict is Verdict.NO_GO
    ram = next(o for o in result.outcomes if o.name == "ram")
    # The activation part alone is too much, and that part is exact.
    assert (ram.low_standing, ram.feasibility) == ("exact", Feasibility.INFEASIBLE)
    assert "NO-GO" in str(result)


def test_check_needs_something_to_decide(pair: tuple[Any, Any], box: gg.Box) -> None:
    with pytest.raises(LimitError, match="nothing to decide"):
        gg.check(*pair, box)
    with pytest.raises(LimitError, match="needs a target"):
        gg.check(*pair, box, limits={"ram": "1 KiB"})


def test_what_is_unknown_is_undecided(pair: tuple[Any, Any], box: gg.Box) -> None:
    # No power is stated for this device, so nothing can be said about energy: not GO, and not NO-GO either.
    result = gg.check(*pair, box, target="host64", limits={"latency": "1 s"}, search=0)
    assert result.verdict is Verdict.UNDECIDED
    assert result.deciding is not None
    assert result.deciding.name == "latency"
    assert "isn't known" in gg.report.to_text(result)


def test_costs_are_judged_where_bounds_are_unsupported(
    pair: tuple[Any, Any], box: gg.Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object, **__: object) -> None:
        raise UnsupportedOperatorError("m: node 0 'n' (lstm): no bounds")

    monkeypatch.setattr(_core, "ErrorSession", unsupported)
    result = gg.check(*pair, box, target="stm32f746", limits={"ram": "1 MiB"})
    assert result.verdict is Verdict.GO
    assert any("no error bound" in note for note in result.notes)
    assert result.error is None
    with pytest.raises(UnsupportedOperatorError):
        gg.check(*pair, box, target="stm32f746", limits={"ram": "1 MiB", "error": 1.0})


def test_a_witness_above_its_bound_is_never_reported() -> None:
    core = SimpleNamespace(
        name="y",
        reference_name="y",
        bound=np.array([1.0]),
        lower=np.array([-1.0]),
        upper=np.array([1.0]),
        witness_value=np.array([1.5]),
        witness_inputs=[np.zeros(2)],
        method="joint",
    )
    with pytest.raises(GonogoError, match="soundness bug"):
        analysis._tensor_error(core, [(2,)])  # type: ignore[arg-type]


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("reference", "deployed"),
    [
        ("kws_ref_model_float32", "kws_ref_model"),
        ("ad01_fp32", "ad01_int8"),
        ("vww_96_float", "vww_96_int8"),
        ("pretrainedResnet", "pretrainedResnet_quant"),
    ],
)
def test_mlperf_tiny_gets_a_verdict(corpus: Path, reference: str, deployed: str) -> None:
    models = corpus / "cost" / "models"
    result = gg.check(
        models / f"{reference}.tflite",
        models / f"{deployed}.tflite",
        target="stm32f746",
        limits={"error": 0.1, "ram": "128 KiB"},
        search=50_000_000,
    )
    assert result.error is not None
    assert 0 < result.error.witness.value <= result.error.worst
    assert result.verdict in (Verdict.NO_GO, Verdict.UNDECIDED)
