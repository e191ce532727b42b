"""ONNX files (float32, QDQ, QLinear, int4 weights) to graphs.

Integer models mean what ONNX Runtime computes on x86-64; docs/int8-semantics.md says how that was established.
"""

from __future__ import annotations

from pathlib import Path

from gonogo import _core
from gonogo.errors import GonogoError, ModelError
from gonogo.loaders import onnx_operators
from gonogo.loaders.onnx_emit import Emitter, new_builder
from gonogo.loaders.onnx_file import Model, read_model
from gonogo.loaders.onnx_fold import fold_node
from gonogo.loaders.onnx_matmul_nbits import lower_matmul_nbits
from gonogo.loaders.onnx_qdq import Qdq, dequantize_constants
from gonogo.loaders.onnx_qlinear import Parameters, lower
from gonogo.loaders.onnx_shapes import Shapes


def load_onnx(
    data: bytes, source: str, directory: Path | None = None, *, int8_allowed: bool = False
) -> _core.Graph:
    """The graph of an .onnx file's bytes; `source` names the file in errors.

    `int8_allowed` stands for the runtime's session option ``session.qdqisint8allowed``, which is off by default on
    x86-64: int8 activations of a QDQ model then become uint8, and some operators stay in float32. `directory` is not
    used: external data is refused.
    """
    try:
        return _load(data, source, int8_allowed)
    except GonogoError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
        MemoryError,
    ) as error:
        # What a damaged file can still provoke inside numpy or protobuf; not an answer, and not a crash.
        what = (str(error).splitlines() or [""])[0]
        raise ModelError(f"{source}: the model contradicts itself: {type(error).__name__}: {what}") from error


def _load(data: bytes, source: str, int8_allowed: bool) -> _core.Graph:
    model = read_model(data, source)
    parameters = Parameters()
    _collect_constants(model)
    lower_matmul_nbits(model, parameters)
    lower(model, parameters)
    shapes = Shapes(model)
    shapes.infer()
    Qdq(model, shapes, parameters, int8_allowed).run()
    dequantize_constants(model, parameters)
    emitter = Emitter(new_builder(source, data), model, shapes, parameters)
    emitter.add_inputs()
    for node in model.nodes:
        onnx_operators.emit(emitter, node)
    emitter.add_outputs()
    graph: _core.Graph = emitter.builder.build()
    return graph


def _collect_constants(model: Model) -> None:
    """Constant nodes become constants first: scales are often written so."""
    rest = []
    for node in model.nodes:
        if node.op == "Constant" and node.domain == "":
            values = fold_node(model, node, lambda name: None)
            assert values is not None
            model.constants[node.outputs[0]] = values
        else:
            rest.append(node)
    model.nodes = rest
