"""Fixed-point networks: how the published benchmarks' formats are said to gonogo."""

from __future__ import annotations

from collections.abc import Sequence

import gonogo as gg
from gonogo import _core

from support.aster import FixedNet, Format
from support.qebverif import INPUT_BITS


def qebverif_semantics(graph: _core.Graph, bits: int) -> gg.FixedPoint:
    """The QEBVerif format on `reference_graph(dnn)`: pixels come as they are, x / 255 there is x / 256 here."""
    division, *_, last = graph.nodes
    return gg.FixedPoint(
        weights=gg.Word(bits, bits - 1),
        bias=gg.Word(bits, bits - 2),
        activations=gg.Word(bits, bits - 2, signed=False),
        input=gg.Word(INPUT_BITS, 0, signed=False),
        input_exact=True,
        rounding="half_up",
        constant_rounding="half_away",
        layers={
            division.name: gg.FixedLayer(shift=INPUT_BITS, exact_output=True),
            last.name: gg.FixedLayer(exact_output=True),
        },
    )


def word(form: Format) -> gg.Word:
    return gg.Word(form.word, form.fraction)


def fixed_net_semantics(net: FixedNet, names: Sequence[str]) -> gg.FixedPoint:
    """A fixed-point net's formats, on a chain of dense nodes of these names."""
    layers = {
        name: gg.FixedLayer(word(x.weight_format), word(x.bias_format), word(x.output_format))
        for name, x in zip(names, net.layers, strict=True)
    }
    first = word(net.input_format)
    return gg.FixedPoint(
        weights=first, activations=first, input=first, rounding=net.rounding,  # type: ignore[arg-type]
        overflow=net.overflow, layers=layers,  # type: ignore[arg-type]
    )  # fmt: skip
