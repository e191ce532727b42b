"""
gonogo's core: graphs, engines and outward-rounded arithmetic. Use it through the package gonogo.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
from . import numeric
from . import interval
__all__: list[str] = ['BoundProgram', 'BoundResult', 'BoxError', 'Cost', 'CostTarget', 'DeviceRunner', 'ErrorResult', 'ErrorSession', 'Expr', 'Expressions', 'GonogoError', 'Graph', 'GraphBuilder', 'IntegerKernel', 'IntegerRunner', 'IntervalError', 'Judge', 'Judged', 'LayerShare', 'LimitError', 'ModelError', 'NodeCost', 'NodeInfo', 'OverflowRiskError', 'PlannedBuffer', 'Quantization', 'QuantizationError', 'Saturation', 'ShapeError', 'SpaceError', 'SpaceSearch', 'TargetError', 'TensorError', 'TensorInfo', 'UndecidedError', 'UnsupportedOperatorError', 'UnsupportedTypeError', 'bound', 'cost', 'error', 'evaluate_int8', 'evaluate_real', 'greedy_offsets', 'interval', 'machine_assumptions', 'numeric', 'operators', 'plan_buffers', 'rounding', 'whole_box']
class GonogoError(Exception):
    """
    Everything gonogo raises on purpose derives from this class.
    """
class ModelError(GonogoError, ValueError):
    """
    A model that is damaged or contradicts itself.
    """
class UnsupportedOperatorError(GonogoError, NotImplementedError):
    """
    An operator, or an attribute value of one, without a rule in the asked-for engine.
    """
class UnsupportedTypeError(GonogoError, TypeError):
    """
    An element type that isn't handled.
    """
class ShapeError(GonogoError, ValueError):
    """
    Shapes that don't fit together.
    """
class QuantizationError(GonogoError, ValueError):
    """
    A scale or zero point that isn't valid.
    """
class OverflowRiskError(GonogoError, ArithmeticError):
    """
    An accumulator of the deployed network that can leave its type's range.
    """
class BoxError(GonogoError, ValueError):
    """
    An input box that isn't one: lo > hi, NaN, wrong shape or type.
    """
class LimitError(GonogoError, ValueError):
    """
    A limit that can't be read or has the wrong unit.
    """
class TargetError(GonogoError, LookupError):
    """
    A target nobody described, or a description with gaps.
    """
class IntervalError(GonogoError, ValueError):
    """
    Ends, numbers or text that make no interval.
    """
class UndecidedError(GonogoError, ValueError):
    """
    A comparison of intervals that holds for some of their numbers and not for others.
    """
class SpaceError(GonogoError, ValueError):
    """
    A search space that contradicts itself, or a configuration that isn't in it.
    """
class Quantization:
    """
    real = (q - zero_point) * scale, per tensor, along one axis or per block.
    """
    def __init__(self, scales: typing.Any, zero_points: typing.Any, axis: typing.SupportsInt | typing.SupportsIndex = 0, block: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        """
        Scales (float32[k]) and zero points (int32[k] or int32[1]); k = 1, or the length of dimension `axis`.
        With `block` > 0: one per block of so many values along `axis`, row-major; constants only.
        """
    @property
    def axis(self) -> int:
        ...
    @property
    def block(self) -> int:
        ...
    @property
    def scales(self) -> numpy.typing.NDArray[numpy.float32]:
        ...
    @property
    def zero_points(self) -> numpy.typing.NDArray[numpy.int32]:
        ...
class Expr:
    """
    An integer expression in hyper-parameters; conditions are 0 or 1.
    """
    @staticmethod
    def symbol(arg0: str) -> Expr:
        ...
    def __add__(self, arg0: Expr) -> Expr:
        ...
    def __init__(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def __mul__(self, arg0: Expr) -> Expr:
        ...
    def __str__(self) -> str:
        ...
    def __sub__(self, arg0: Expr) -> Expr:
        ...
    def ceil_div(self, arg0: Expr) -> Expr:
        ...
    def equal(self, arg0: Expr) -> Expr:
        ...
    def floor_div(self, arg0: Expr) -> Expr:
        ...
    def less(self, arg0: Expr) -> Expr:
        ...
    def max(self, arg0: Expr) -> Expr:
        ...
    def min(self, arg0: Expr) -> Expr:
        ...
    def range(self, arg0: collections.abc.Sequence[tuple[str, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]]) -> tuple[int, int]:
        """
        Least and greatest value over ranges of the symbols; the range may be too wide, never too narrow.
        """
    def select(self, arg0: Expr, arg1: Expr) -> Expr:
        ...
    @property
    def symbols(self) -> list[str]:
        ...
    @property
    def value(self) -> int | None:
        ...
class TensorInfo:
    """
    Name, element type, shape and quantisation of one tensor.
    """
    @property
    def dtype(self) -> str:
        ...
    @property
    def is_constant(self) -> bool:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def quantization(self) -> Quantization | None:
        ...
    @property
    def shape(self) -> list[int]:
        ...
class NodeInfo:
    """
    Name, operator, tensors and attributes of one node.
    """
    @property
    def attributes(self) -> dict[str, int | float | str | list[int] | list[Expr]]:
        ...
    @property
    def inputs(self) -> list[str]:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def op(self) -> str:
        ...
    @property
    def outputs(self) -> list[str]:
        ...
class Graph:
    """
    An immutable, validated network.
    """
    def __repr__(self) -> str:
        ...
    def tensor(self, name: str) -> TensorInfo:
        """
        The tensor of that name; ModelError, with the nearest names, if there is none.
        """
    @property
    def file_bytes(self) -> int:
        ...
    @property
    def format(self) -> str:
        ...
    @property
    def inputs(self) -> list[str]:
        ...
    @property
    def nodes(self) -> list[NodeInfo]:
        ...
    @property
    def outputs(self) -> list[str]:
        ...
    @property
    def sha256(self) -> str:
        ...
    @property
    def source(self) -> str:
        ...
    @property
    def tensor_names(self) -> list[str]:
        ...
class GraphBuilder:
    """
    Makes a Graph, checking every step; see the loaders for its use.
    """
    def __init__(self, source: str, format: str) -> None:
        ...
    def activation(self, name: str, shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | None, dtype: str, quantization: Quantization | None = None) -> int:
        ...
    def build(self) -> Graph:
        ...
    def constant(self, name: str, values: numpy.ndarray, quantization: Quantization | None = None) -> int:
        ...
    def constant_without_values(self, name: str, shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], dtype: str, quantization: Quantization | None = None) -> int:
        ...
    def input(self, name: str, shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], dtype: str, quantization: Quantization | None = None) -> int:
        ...
    def merge(self, arg0: str, arg1: Expr, arg2: typing.SupportsInt | typing.SupportsIndex, arg3: typing.SupportsInt | typing.SupportsIndex) -> int:
        ...
    def node(self, op: str, name: str, inputs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], outputs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], attributes: collections.abc.Mapping[str, typing.SupportsInt | typing.SupportsIndex | typing.SupportsFloat | typing.SupportsIndex | str | collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] | collections.abc.Sequence[Expr]] = {}) -> int:
        ...
    def output(self, tensor: typing.SupportsInt | typing.SupportsIndex) -> None:
        ...
    def parameters(self, arg0: str, arg1: str, arg2: collections.abc.Sequence[Expr], arg3: Expr, arg4: Expr) -> int:
        ...
    def set_active(self, arg0: Expr) -> None:
        ...
    def set_file(self, file_bytes: typing.SupportsInt | typing.SupportsIndex, sha256: str) -> None:
        ...
    def set_known_value(self, tensor: typing.SupportsInt | typing.SupportsIndex, values: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> None:
        ...
    def set_packed_int4(self, tensor: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Says that an int8 constant is stored as int4, two values per byte.
        """
    def shape(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> list[Expr]:
        ...
    def symbolic_activation(self, arg0: str, arg1: Expr) -> int:
        ...
    def symbolic_input(self, arg0: str, arg1: collections.abc.Sequence[Expr], arg2: Expr) -> int:
        ...
class BoundResult:
    """
    Guaranteed enclosure of one tensor's values over a box, real units.
    """
    @property
    def lower(self) -> numpy.typing.NDArray[numpy.float64]:
        ...
    @property
    def tensor(self) -> str:
        ...
    @property
    def unbounded(self) -> bool:
        ...
    @property
    def upper(self) -> numpy.typing.NDArray[numpy.float64]:
        ...
class TensorError:
    """
    Bracket of |deployed - reference| of one tensor over a box, real units.
    """
    @property
    def bound(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Guaranteed upper bound on |deployed - reference|.
        """
    @property
    def lower(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Guaranteed lower bound on deployed - reference.
        """
    @property
    def method(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def reference_name(self) -> str:
        ...
    @property
    def upper(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Guaranteed upper bound on deployed - reference.
        """
    @property
    def witness_inputs(self) -> list:
        """
        The input of the largest witness, flattened, one array per model input.
        """
    @property
    def witness_value(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Guaranteed lower bound on the largest |deployed - reference|: reached by an input that was evaluated.
        """
    @property
    def worst_witness(self) -> float:
        ...
class LayerShare:
    """
    Error bound on the attributed tensor if this layer alone were deployed and all others exact, and its share of the sum.
    """
    @property
    def alone(self) -> float:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def op(self) -> str:
        ...
    @property
    def share(self) -> float:
        ...
class Saturation:
    """
    Elements of a tensor that its storage type can cut over the box.
    """
    @property
    def elements(self) -> int:
        ...
    @property
    def high_count(self) -> int:
        ...
    @property
    def low_count(self) -> int:
        ...
    @property
    def tensor(self) -> str:
        ...
class ErrorResult:
    """
    Result of the error engine.
    """
    @property
    def assumptions(self) -> list[str]:
        ...
    @property
    def attributed(self) -> str:
        ...
    @property
    def evaluations(self) -> int:
        ...
    @property
    def notes(self) -> list[str]:
        ...
    @property
    def parts(self) -> int:
        ...
    @property
    def per_layer(self) -> list[LayerShare]:
        ...
    @property
    def saturation(self) -> list[Saturation]:
        ...
    @property
    def tensors(self) -> list[TensorError]:
        ...
class IntegerRunner:
    """
    A quantised graph prepared for exact integer evaluation on many inputs.
    """
    def __call__(self, inputs: collections.abc.Sequence[typing.Any]) -> list:
        """
        Outputs for one list of inputs (int32 integers, or float32 for float inputs), exactly as the device computes them.
        """
    def __init__(self, graph: Graph, profile: str) -> None:
        ...
class BoundProgram:
    """
    A graph prepared for guaranteed ranges over many boxes.
    """
    def __init__(self, graph: Graph, semantics: typing.Any, tensor: str | None = None, method: str = 'linear') -> None:
        ...
    def run(self, lo: collections.abc.Sequence[typing.Any], hi: collections.abc.Sequence[typing.Any], first: typing.SupportsInt | typing.SupportsIndex | None = None) -> list[BoundResult]:
        """
        Ranges over boxes along the leading axis of every array, one array per input; results have that axis too, and are those of `bound` for each box. A BoxError says which box, counted from `first` where that is given.
        """
class ErrorSession:
    """
    Bracket of |deployed - reference| over a box, narrowed for as long as the caller likes.
    """
    def __init__(self, reference: Graph, deployed: Graph, box_lo: collections.abc.Sequence[typing.Any], box_hi: collections.abc.Sequence[typing.Any], semantics: typing.Any, tensor: str | None = None, search_multiplies: typing.SupportsInt | typing.SupportsIndex = 500000000, seed: typing.SupportsInt | typing.SupportsIndex = 1, attribute: bool = True, method: str = 'linear', threshold: typing.SupportsFloat | typing.SupportsIndex | None = None, gap: typing.SupportsFloat | typing.SupportsIndex = 0.0, elements: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [], multiplies: typing.SupportsFloat | typing.SupportsIndex = 20000000000.0) -> None:
        """
        `reference` None: the deployed graph in real arithmetic. Finds the first bounds and witnesses.
        """
    def advance(self, seconds: typing.SupportsFloat | typing.SupportsIndex) -> bool:
        """
        Splits the box for about so many seconds. True when nothing is left to do.
        """
    def result(self) -> ErrorResult:
        """
        What is proved and found so far.
        """
class DeviceRunner:
    """
    A deployed graph prepared for evaluation on many inputs.
    """
    def __call__(self, inputs: collections.abc.Sequence[typing.Any], variant: typing.SupportsInt | typing.SupportsIndex = 0) -> list:
        """
        Per output (lower, upper): equal where the device's result is computed exactly.
        """
    def __init__(self, graph: Graph, semantics: typing.Any) -> None:
        ...
    @property
    def variants(self) -> int:
        """
        How many evaluations the semantics tells apart.
        """
class CostTarget:
    """
    A device in numbers; gonogo.targets reads it from a file.
    """
    def __init__(self, *, name: str, kernels: str, pointer_bits: typing.SupportsInt | typing.SupportsIndex = 32, plans_as_tflm: bool = True, stored_constants: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] = (0.29, 1.0, 2.1), code_bytes: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(4)"] = [61440, 0, 0, 61440], code_scale: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] = (0.2, 1.0, 3.05), code_standing: str = 'assumed', clock_hz: typing.SupportsFloat | typing.SupportsIndex | None = None, instructions: collections.abc.Mapping[str, collections.abc.Mapping[str, typing.SupportsFloat | typing.SupportsIndex]] = {}, cycles: collections.abc.Sequence[collections.abc.Mapping[str, collections.abc.Mapping[str, typing.SupportsFloat | typing.SupportsIndex]]] = [], latency_scale: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] = (1.0, 1.0, 1.0), skips_zero_filters: bool = False, latency_standing: str = 'estimated', power_watts: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex] | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def clock_hz(self) -> float | None:
        ...
    @property
    def latency_scale(self) -> tuple[float, float, float]:
        """
        What the sum of the nodes' cycles is multiplied by: (lower, estimate, upper).
        """
    @property
    def name(self) -> str:
        ...
    @property
    def plans_as_tflm(self) -> bool:
        ...
    @property
    def pointer_bits(self) -> int:
        ...
class NodeCost:
    """
    Work of one node: exact counts, and instructions and time, estimated where known.
    """
    @property
    def instructions(self) -> float | None:
        ...
    @property
    def macs(self) -> int:
        ...
    @property
    def other_operations(self) -> int:
        ...
    @property
    def parameter_bytes(self) -> int:
        ...
    @property
    def seconds(self) -> float | None:
        ...
class PlannedBuffer:
    """
    A buffer of the activation arena: place, and first and last step.
    """
    @property
    def first(self) -> int:
        ...
    @property
    def last(self) -> int:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def offset_bytes(self) -> int:
        ...
    @property
    def size_bytes(self) -> int:
        ...
class Cost:
    """
    What a network costs on a target. None: undecided, and `notes` says why.
    """
    @property
    def energy_joules(self) -> tuple[float, float, float] | None:
        """
        (lower, estimate, upper)
        """
    @property
    def flash_code_bytes(self) -> tuple[int, int, int]:
        """
        Kernels and runtime: (lower, estimate, upper).
        """
    @property
    def flash_code_standing(self) -> str:
        ...
    @property
    def flash_model_bytes(self) -> tuple[int, int, int]:
        """
        The model as the engine stores it: (lower, estimate, upper).
        """
    @property
    def flash_model_floor_bytes(self) -> int:
        """
        Proved: the model can't take less.
        """
    @property
    def flash_model_standing(self) -> str:
        ...
    @property
    def instructions(self) -> float | None:
        ...
    @property
    def latency_seconds(self) -> tuple[float, float, float] | None:
        """
        (lower, estimate, upper)
        """
    @property
    def latency_standing(self) -> str:
        ...
    @property
    def macs(self) -> int:
        """
        Multiply-accumulates: exact.
        """
    @property
    def macs_by_op(self) -> dict:
        ...
    @property
    def nodes(self) -> list[NodeCost]:
        """
        One entry per node, in schedule order.
        """
    @property
    def notes(self) -> list[str]:
        ...
    @property
    def other_operations(self) -> int:
        """
        Additions, comparisons, look-ups and the like: exact.
        """
    @property
    def parameter_bytes(self) -> int:
        """
        All constants: exact.
        """
    @property
    def peak_index(self) -> int:
        ...
    @property
    def peak_node(self) -> str | None:
        ...
    @property
    def ram_activation_bytes(self) -> int | None:
        ...
    @property
    def ram_activation_standing(self) -> str:
        ...
    @property
    def ram_bytes(self) -> int | None:
        """
        Activation and persistent part together.
        """
    @property
    def ram_live_bytes(self) -> int:
        """
        Most bytes alive at once: a floor for every plan of this schedule without overlap.
        """
    @property
    def ram_persistent_bytes(self) -> int | None:
        ...
    @property
    def ram_persistent_parts(self) -> dict:
        ...
    @property
    def ram_persistent_standing(self) -> str:
        ...
class Expressions:
    """
    Integer expressions, compiled for points, columns and boxes.
    """
    def __init__(self, expressions: collections.abc.Sequence[Expr], variables: collections.abc.Sequence[tuple[str, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex]]) -> None:
        """
        `variables`: name, least and greatest value.
        """
    def boxes(self, lo: numpy.ndarray, hi: numpy.ndarray) -> numpy.typing.NDArray[numpy.float64]:
        """
        [variables, rows] twice in, [2, expressions, rows] out: least and greatest.
        """
    def point(self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> list[float]:
        ...
    def points(self, columns: numpy.ndarray) -> numpy.typing.NDArray[numpy.float64]:
        """
        [variables, rows] in, [1, expressions, rows] out.
        """
    @property
    def steps(self) -> int:
        ...
class Judged:
    """
    A configuration's verdict and numbers.
    """
    def broken(self) -> str:
        ...
    def ends(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> tuple[float, float, float]:
        ...
    def nodes(self) -> list:
        ...
    @property
    def infeasible(self) -> bool:
        ...
    @property
    def is_network(self) -> bool:
        ...
    @property
    def numbers(self) -> dict:
        ...
    @property
    def values(self) -> list[float]:
        ...
    @property
    def verdict(self) -> str:
        ...
class Judge:
    """
    Limits on what an architecture costs, for a space.
    """
    number_names: typing.ClassVar[list] = ['valid', 'macs', 'other_operations', 'parameter_bytes', 'flash_around', 'flash_code', 'ram_activations', 'ram_live', 'ram_persistent', 'cycles', 'timed']
    def __init__(self, graph: Graph, target: CostTarget, parameters: collections.abc.Sequence[tuple[str, collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]]], exists: collections.abc.Sequence[Expr | None], limits: collections.abc.Sequence[tuple[str, typing.SupportsFloat | typing.SupportsIndex, bool]], slack: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def boxes(self, lo: numpy.ndarray, hi: numpy.ndarray, plan: bool = True) -> numpy.typing.NDArray[numpy.float64]:
        """
        Array [boxes, 2, numbers]: least and greatest of each number; without `plan` the arena lies between the
        bytes alive at once and those of all buffers.
        """
    def of_integers(self, config: dict) -> Judged | None:
        ...
    def of_values(self, values: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> Judged:
        ...
    def points(self, columns: collections.abc.Sequence[numpy.ndarray], plan: bool) -> dict:
        ...
    def support(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> list[int]:
        ...
    @property
    def problem(self) -> str:
        ...
    @property
    def steps(self) -> int:
        ...
    @property
    def text(self) -> str:
        ...
class SpaceSearch:
    """
    Branch and prune over a space.
    """
    regions: typing.ClassVar[list] = ['feasible', 'infeasible', 'undecided']
    def __init__(self, judge: Judge, places: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]], exists_through: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]]) -> None:
        ...
    def find(self, box: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]] | None, boxes: typing.SupportsInt | typing.SupportsIndex, masked: typing.SupportsInt | typing.SupportsIndex = 0, must_exist: typing.SupportsInt | typing.SupportsIndex = -1) -> tuple[list[int] | None, bool]:
        ...
    def least(self, box: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]] | None, limit: typing.SupportsInt | typing.SupportsIndex | None, boxes: typing.SupportsInt | typing.SupportsIndex) -> tuple[float, list[int] | None, bool]:
        ...
    def pave(self, boxes: typing.SupportsInt | typing.SupportsIndex, seconds: typing.SupportsFloat | typing.SupportsIndex, watch: collections.abc.Callable[[int, float], bool]) -> tuple:
        ...
class IntegerKernel:
    """
    The integers that one node of a quantised graph computes on the device.
    """
    def __init__(self, graph: Graph, profile: str, node: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Prepares node number `node` for the kernels of `profile`.
        """
    def point(self, inputs: collections.abc.Sequence[typing.Any]) -> numpy.ndarray:
        """
        The output integers; one int32 array per input of the node, None for constants.
        """
    def range(self, lo: collections.abc.Sequence[typing.Any], hi: collections.abc.Sequence[typing.Any], unclamped: bool = False) -> tuple:
        """
        Integers (lo, hi) that enclose the output over a box of inputs; `unclamped`: before saturation.
        """
    @property
    def clamp(self) -> tuple[int, int]:
        """
        The integers (lo, hi) that the output is clamped to.
        """
    @property
    def envelope(self) -> tuple[float, float]:
        """
        (absolute, relative): |y - f| <= absolute + relative |f| in output steps, before the clamp.
        """
    @property
    def left_out(self) -> list[tuple[str, str]]:
        """
        Profiles that the ranges of profile 'any' don't cover, and why.
        """
def bound(graph: Graph, box_lo: collections.abc.Sequence[typing.Any], box_hi: collections.abc.Sequence[typing.Any], semantics: typing.Any, tensor: str | None = None, method: str = 'linear') -> list[BoundResult]:
    """
    Guaranteed output ranges over a box; semantics 'real', 'tflm' or 'ort'. One result per output, or one for `tensor`.
    """
def cost(graph: Graph, target: CostTarget) -> Cost:
    """
    Work, flash, RAM, latency and energy of a graph on a target.
    """
def error(reference: Graph, deployed: Graph, box_lo: collections.abc.Sequence[typing.Any], box_hi: collections.abc.Sequence[typing.Any], semantics: typing.Any, tensor: str | None = None, search_multiplies: typing.SupportsInt | typing.SupportsIndex = 500000000, seed: typing.SupportsInt | typing.SupportsIndex = 1, attribute: bool = True, method: str = 'linear') -> ErrorResult:
    """
    The first bracket of |deployed - reference| over a box. `reference` None: the deployed graph in real arithmetic.
    """
def evaluate_int8(graph: Graph, profile: str, inputs: collections.abc.Sequence[typing.Any], all: bool = False) -> dict:
    """
    Exact integers (float32 numbers for float tensors) of the outputs, or of all tensors, by name.
    """
def evaluate_real(graph: Graph, lo: collections.abc.Sequence[typing.Any], hi: collections.abc.Sequence[typing.Any], all: bool = False) -> dict:
    """
    Enclosures (lower, upper) of the outputs, or of all tensors, by name, in real arithmetic over the box [lo, hi].
    """
def greedy_offsets(buffers: collections.abc.Sequence[tuple[typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]]) -> list[int]:
    """
    The planner by itself: offsets for buffers given as (size, first step, last step).
    """
def machine_assumptions(graph: Graph) -> list[str]:
    """
    What the exactness of profile 'ort' rests on besides the file: one line per node that needs it.
    """
def operators() -> list:
    """
    One row per operator record, for the generated documentation.
    """
def plan_buffers(graph: Graph, target: CostTarget) -> list[PlannedBuffer]:
    """
    Where TensorFlow Lite Micro's planner puts each activation and scratch buffer.
    """
def whole_box(graph: Graph) -> tuple[list, list]:
    """
    Lower and upper ends of the whole range that the integer inputs represent.
    """
__version__: str = '0.1.0'
rounding: str = 'outward'
