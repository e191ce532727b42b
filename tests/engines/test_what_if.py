"""Attribution checked by doing it: the changed device's own bound, and its own evaluation below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo import _core
from gonogo.semantics import plain
from gonogo.whatif import widened

DEMO = Path(gg.__file__).parent / "demo"
WORDS = gg.FixedPoint.uniform(8, 4)
BOX = (-0.5, 0.5)


@pytest.fixture(scope="module")
def net() -> _core.Graph:
    """Three dense layers, the first with weights that 4 bits after the point suit least."""
    r = np.random.default_rng(0)
    builder = _core.GraphBuilder("net", "test")
    x = builder.input("x", [1, 4], "float32")
    before = 4
    for i, (size, scale) in enumerate(((8, 0.5), (8, 0.25), (3, 0.25))):
        y = builder.activation(f"h{i}", [1, size], "float32")
        w = builder.constant(f"w{i}", (scale * r.normal(size=(size, before))).astype(np.float32))
        b = builder.constant(f"b{i}", np.zeros(size, np.float32))
        builder.node("dense", f"dense{i}", [x, w, b], [y])
        x, before = y, size
        if i < 2:
            x = builder.activation(f"r{i}", [1, size], "float32")
            builder.node("relu", f"relu{i}", [y], [x])
    builder.output(y)
    return builder.build()


def test_every_case_is_the_bound_of_the_changed_device(net: Any) -> None:
    found = gg.what_if(None, net, BOX, semantics=WORDS)
    assert {c.name for c in found.cases} == {"input", "dense0", "dense1", "dense2"}
    for case in found.cases:
        changed = widened(WORDS, case.name, 8)
        assert case.error.worst == gg.error(None, net, BOX, semantics=changed, search=0).worst
        device = _core.DeviceRunner(net, plain(changed))
        for x in np.random.default_rng(1).uniform(*BOX, (50, 1, 4)):
            ((out, _),) = device([x])
            ((low, high),) = _core.evaluate_real(net, [x], [x]).values()
            least = np.maximum(np.maximum(low - out, out - high), 0.0)
            assert (least <= case.error.bound).all(), case.name
    assert found.best is not None
    assert found.best.error.worst == min(c.error.worst for c in found.cases)
    assert found.ratio(found.best) < 1.0
    assert found.best.name in str(found)


def test_layers_asked_for(net: Any) -> None:
    seen: list[str] = []
    found = gg.what_if(
        None, net, BOX, semantics="fixed:8.4", layers=["dense1"], extra_bits=4, watch=seen.append
    )
    assert [c.name for c in found.cases] == seen == ["dense1"]
    assert found.cases[0].change == "4 more bits"


def test_words_grow_behind_the_point() -> None:
    assert widened(WORDS, "input", 8).input == gg.Word(16, 12)
    assert widened(WORDS, "d", 60).layers["d"].weights == gg.Word(53, 49)
    own = gg.FixedPoint(gg.Word(8, 7), gg.Word(8, 4), layers={"d": gg.FixedLayer(exact_output=True)})
    layer = widened(own, "d", 8).layers["d"]
    assert (layer.weights, layer.bias, layer.output, layer.exact_output) == (
        gg.Word(16, 15), gg.Word(16, 15), None, True,
    )  # fmt: skip


def test_integers_are_split_into_weights_and_arithmetic() -> None:
    reference, deployed = gg.load(DEMO / "digits_float32.tflite"), gg.load(DEMO / "digits_int8.tflite")
    box = gg.Box.from_file(DEMO / "digits_box.json")
    found = gg.what_if(reference, deployed, box, tensor="logits")
    bounds = {c.name: c.error.worst for c in found.cases}
    assert (
        bounds["exact arithmetic"]
        == gg.error(reference, deployed, box, semantics="real", tensor="logits", search=0).worst
    )
    assert bounds["exact weights"] == gg.error(None, deployed, box, tensor="logits", search=0).worst


def test_integer_layers_kept_finer() -> None:
    reference, deployed = gg.load(DEMO / "digits_float32.tflite"), gg.load(DEMO / "digits_int8.tflite")
    box = gg.Box.from_file(DEMO / "digits_box.json")
    found = gg.what_if(reference, deployed, box, tensor="logits")
    layers = [c for c in found.cases if c.share is not None]
    assert [c.name for c in layers] == [s.name for s in sorted(found.base.per_layer, key=lambda s: -s.share)]
    assert found.best is not None
    assert found.best.error.worst < 0.8 * found.base.worst  # not the layer with the greatest share
    for c in layers:
        assert c.change == "16-bit results"
        mixed = gg.error(
            reference, deployed, box, semantics=gg.Mixed({c.name: "int16"}), tensor="logits", search=0
        )
        assert (c.error.bound == mixed.bound).all()
        assert c.error.witness.value <= c.error.worst
    both = gg.what_if(
        reference,
        deployed,
        box,
        tensor="logits",
        keep={"pointwise": "int16", "depthwise": "real"},
        method="interval",
    )
    (case,) = both.cases[2:]
    assert (case.name, case.change) == ("pointwise + depthwise", "16-bit results, real-valued results")
    assert case.share is None
    assert case.error.worst < both.base.worst


def test_keeping_everything_real_leaves_the_weights() -> None:
    reference, deployed = gg.load(DEMO / "digits_float32.tflite"), gg.load(DEMO / "digits_int8.tflite")
    box = gg.Box.from_file(DEMO / "digits_box.json")
    names = ["input", *(n.name for n in deployed.nodes if n.op not in ("reshape", "identity"))]
    everything = gg.Mixed(dict.fromkeys(names, "real"))
    mixed = gg.error(reference, deployed, box, semantics=everything, tensor="logits", search=0)
    real = gg.error(reference, deployed, box, semantics="real", tensor="logits", search=0)
    assert mixed.worst == pytest.approx(real.worst, rel=1e-12)
    assert any("'input' keeps real numbers" in a for a in mixed.provenance.assumptions)


def test_shares_by_operator_and_alone() -> None:
    reference, deployed = gg.load(DEMO / "digits_float32.tflite"), gg.load(DEMO / "digits_int8.tflite")
    found = gg.error(reference, deployed, gg.Box.from_file(DEMO / "digits_box.json"), search=0)
    assert found.attributed == "logits"
    assert list(found.per_operator.values()) == sorted(found.per_operator.values(), reverse=True)
    assert sum(found.per_operator.values()) == pytest.approx(1.0)
    total = sum(s.alone for s in found.per_layer)
    for s in found.per_layer:
        assert s.share == pytest.approx(s.alone / total)


def test_what_is_refused(net: Any) -> None:
    with pytest.raises(ValueError, match="no words to choose"):
        gg.what_if(None, net, BOX, semantics="float32", layers=["dense0"])
    with pytest.raises(ValueError, match="no node 'other'.*dense0"):
        gg.what_if(None, net, BOX, semantics=WORDS, layers=["other"])
    with pytest.raises(ValueError, match="no 8-bit results"):
        gg.what_if(None, net, BOX, semantics=WORDS, keep={"dense0": "real"})
    with pytest.raises(ValueError, match="finer: 'int32' isn't known; use one of int16, real"):
        gg.what_if(None, net, BOX, finer="int32")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="extra_bits"):
        gg.what_if(None, net, BOX, semantics=WORDS, extra_bits=0)


def test_what_an_integer_model_refuses() -> None:
    deployed = gg.load(DEMO / "digits_int8.tflite")
    box = gg.Box.from_file(DEMO / "digits_box.json")
    with pytest.raises(ValueError, match="keep: .*no node 'other'; nodes: conv"):
        gg.what_if(None, deployed, box, keep={"other": "real"})
    with pytest.raises(ValueError, match=r"keep\['conv'\]='int4' isn't known; use one of int16, real"):
        gg.Mixed({"conv": "int4"})  # type: ignore[dict-item]
    with pytest.raises(gg.errors.QuantizationError, match="no node 'other' to keep finer"):
        gg.error(None, deployed, box, semantics=gg.Mixed({"other": "real"}))
    moved = next(n.name for n in deployed.nodes if n.op == "reshape")
    with pytest.raises(gg.errors.QuantizationError, match="nothing to keep: the result is what it reads"):
        gg.error(None, deployed, box, semantics=gg.Mixed({moved: "real"}))
    with pytest.raises(gg.errors.UnsupportedOperatorError, match="profile 'none'"):
        gg.error(None, deployed, box, semantics=gg.Mixed({}, profile="none"))
