"""Writes a chain of layers as a TensorFlow Lite file, with the schema package's builder functions."""

from __future__ import annotations

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite


@dataclass
class Scale:
    scales: np.ndarray  # float32, one per tensor or one per slice along `axis`
    zero_point: int
    axis: int = 0


@dataclass
class Layer:
    kind: str
    output: str
    shape: list[int]
    constants: list[tuple[str, np.ndarray, Scale | None]] = field(default_factory=list)
    scale: Scale | None = None
    options: dict[str, object] = field(default_factory=dict)


@dataclass
class Model:
    input: str
    shape: list[int]
    scale: Scale | None
    layers: list[Layer]


TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "int8": tflite.TensorType.INT8,
    "int32": tflite.TensorType.INT32,
}


class _Writer:
    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 16)
        self.buffers: list[int] = []
        self.tensors: list[int] = []
        self.add_buffer(b"")  # buffer 0 stands for "no data"

    def vector(self, values: list[int] | np.ndarray, kind: str) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, dtype=kind)))

    def tables(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())

    def add_buffer(self, data: bytes) -> int:
        b = self.builder
        offset = 0
        if data:
            b.StartVector(1, len(data), 16)  # kernels read weights in place: keep them aligned
            b.head -= len(data)
            b.Bytes[b.head : b.head + len(data)] = data
            offset = b.EndVector()
        tflite.BufferStart(b)
        if data:
            tflite.BufferAddData(b, offset)
        self.buffers.append(tflite.BufferEnd(b))
        return len(self.buffers) - 1

    def add_tensor(self, name: str, shape: list[int], kind: str, scale: Scale | None, buffer: int = 0) -> int:
        b = self.builder
        quantization = 0
        if scale is not None:
            scales = self.vector(scale.scales, "<f4")
            points = self.vector(np.full(len(scale.scales), scale.zero_point), "<i8")
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scales)
            tflite.QuantizationParametersAddZeroPoint(b, points)
            tflite.QuantizationParametersAddQuantizedDimension(b, scale.axis)
            quantization = tflite.QuantizationParametersEnd(b)
        text, dims = b.CreateString(name), self.vector(shape, "<i4")
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, dims)
        tflite.TensorAddType(b, TYPES[kind])
        tflite.TensorAddBuffer(b, buffer)
        tflite.TensorAddName(b, text)
        if scale is not None:
            tflite.TensorAddQuantization(b, quantization)
        self.tensors.append(tflite.TensorEnd(b))
        return len(self.tensors) - 1

    def options(self, layer: Layer) -> tuple[int, int]:
        """Offset and union code of the layer's options."""
        b = self.builder
        o = {k: int(v) for k, v in layer.options.items()}  # type: ignore[call-overload]
        if layer.kind == "CONV_2D":
            tflite.Conv2DOptionsStart(b)
            tflite.Conv2DOptionsAddPadding(b, o["padding"])
            tflite.Conv2DOptionsAddStrideW(b, o["strides"])
            tflite.Conv2DOptionsAddStrideH(b, o["strides"])
            tflite.Conv2DOptionsAddFusedActivationFunction(b, o["activation"])
            return tflite.Conv2DOptionsEnd(b), tflite.BuiltinOptions.Conv2DOptions
        if layer.kind == "DEPTHWISE_CONV_2D":
            tflite.DepthwiseConv2DOptionsStart(b)
            tflite.DepthwiseConv2DOptionsAddPadding(b, o["padding"])
            tflite.DepthwiseConv2DOptionsAddStrideW(b, o["strides"])
            tflite.DepthwiseConv2DOptionsAddStrideH(b, o["strides"])
            tflite.DepthwiseConv2DOptionsAddDepthMultiplier(b, 1)
            tflite.DepthwiseConv2DOptionsAddFusedActivationFunction(b, o["activation"])
            return tflite.DepthwiseConv2DOptionsEnd(b), tflite.BuiltinOptions.DepthwiseConv2DOptions
        if layer.kind == "AVERAGE_POOL_2D":
            tflite.Pool2DOptionsStart(b)
            tflite.Pool2DOptionsAddPadding(b, o["padding"])
            tflite.Pool2DOptionsAddStrideW(b, o["strides"])
            tflite.Pool2DOptionsAddStrideH(b, o["strides"])
            tflite.Pool2DOptionsAddFilterWidth(b, o["kernel"])
            tflite.Pool2DOptionsAddFilterHeight(b, o["kernel"])
            return tflite.Pool2DOptionsEnd(b), tflite.BuiltinOptions.Pool2DOptions
        if layer.kind == "RESHAPE":
            shape = self.vector(layer.shape, "<i4")
            tflite.ReshapeOptionsStart(b)
            tflite.ReshapeOptionsAddNewShape(b, shape)
            return tflite.ReshapeOptionsEnd(b), tflite.BuiltinOptions.ReshapeOptions
        if layer.kind == "FULLY_CONNECTED":
            tflite.FullyConnectedOptionsStart(b)
            tflite.FullyConnectedOptionsAddFusedActivationFunction(b, o["activation"])
            return tflite.FullyConnectedOptionsEnd(b), tflite.BuiltinOptions.FullyConnectedOptions
        assert layer.kind == "SOFTMAX"
        tflite.SoftmaxOptionsStart(b)
        tflite.SoftmaxOptionsAddBeta(b, 1.0)
        return tflite.SoftmaxOptionsEnd(b), tflite.BuiltinOptions.SoftmaxOptions


def write(model: Model) -> bytes:
    w = _Writer()
    b = w.builder
    kind = "float32" if model.scale is None else "int8"
    first = current = w.add_tensor(model.input, model.shape, kind, model.scale)
    kinds = sorted({layer.kind for layer in model.layers})
    operators = []
    for layer in model.layers:
        inputs = [current]
        constants = list(layer.constants)
        if layer.kind == "RESHAPE":
            constants.append((layer.output + "/shape", np.array(layer.shape, dtype=np.int32), None))
        for name, values, scale in constants:
            buffer = w.add_buffer(np.ascontiguousarray(values).tobytes())
            inputs.append(w.add_tensor(name, list(values.shape), values.dtype.name, scale, buffer))
        current = w.add_tensor(layer.output, layer.shape, kind, layer.scale)
        sources, targets = w.vector(inputs, "<i4"), w.vector([current], "<i4")
        options, union = w.options(layer)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, kinds.index(layer.kind))
        tflite.OperatorAddInputs(b, sources)
        tflite.OperatorAddOutputs(b, targets)
        tflite.OperatorAddBuiltinOptionsType(b, union)
        tflite.OperatorAddBuiltinOptions(b, options)
        operators.append(tflite.OperatorEnd(b))
    tensors, nodes = w.tables(w.tensors), w.tables(operators)
    inputs_, outputs = w.vector([first], "<i4"), w.vector([current], "<i4")
    name = b.CreateString("main")
    tflite.SubGraphStart(b)
    tflite.SubGraphAddTensors(b, tensors)
    tflite.SubGraphAddInputs(b, inputs_)
    tflite.SubGraphAddOutputs(b, outputs)
    tflite.SubGraphAddOperators(b, nodes)
    tflite.SubGraphAddName(b, name)
    subgraphs = w.tables([tflite.SubGraphEnd(b)])
    codes = []
    for kind_ in kinds:
        tflite.OperatorCodeStart(b)
        code = getattr(tflite.BuiltinOperator, kind_)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, code)
        tflite.OperatorCodeAddBuiltinCode(b, code)
        tflite.OperatorCodeAddVersion(b, 3 if kind_ in ("CONV_2D", "DEPTHWISE_CONV_2D") else 1)
        codes.append(tflite.OperatorCodeEnd(b))
    codes_, buffers = w.tables(codes), w.tables(w.buffers)
    description = b.CreateString("gonogo demo: 8x8 digits")
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddOperatorCodes(b, codes_)
    tflite.ModelAddSubgraphs(b, subgraphs)
    tflite.ModelAddDescription(b, description)
    tflite.ModelAddBuffers(b, buffers)
    b.Finish(tflite.ModelEnd(b), b"TFL3")
    return bytes(b.Output())
