"""Arrays at the border: exact dtype, native, C-contiguous, aligned, of the right shape. Anything else is an error that
names the argument, its shape and its dtype; nothing is cast, nothing is read beyond its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gonogo
import numpy as np
import pytest
from gonogo import _core

SHAPE = (1, 8, 8, 1)


@pytest.fixture(scope="module")
def deployed() -> Any:
    return gonogo.load(Path(gonogo.__file__).parent / "demo" / "digits_int8.tflite")


def unaligned() -> np.ndarray[Any, Any]:
    buffer = np.zeros(64 * 8 + 1, np.uint8)
    return buffer[1:].view(np.float64).reshape(SHAPE)


WRONG_TYPE = {
    "list": [0.0] * 64,
    "none": None,
    "number": 1.0,
    "float32": np.zeros(SHAPE, np.float32),
    "int64": np.zeros(SHAPE, np.int64),
    "bool": np.zeros(SHAPE, bool),
    "complex": np.zeros(SHAPE, np.complex128),
    "object": np.zeros(SHAPE, object),
    "text": np.full(SHAPE, "0"),
    "record": np.zeros(SHAPE, [("x", "f8")]),
    "byte-swapped": np.zeros(SHAPE, np.dtype(np.float64).newbyteorder()),
    "longdouble": np.zeros(SHAPE, np.longdouble),
}
WRONG_FORM = {
    "reversed": np.zeros(SHAPE)[:, ::-1],
    "strided": np.zeros((1, 8, 16, 1))[:, :, ::2],
    "fortran": np.asfortranarray(np.zeros((1, 8, 8, 2)))[..., :1],
    "broadcast": np.broadcast_to(np.zeros(1), SHAPE),
    "unaligned": unaligned(),
    "zero size": np.zeros((0, 8, 8, 1)),
    "flat": np.zeros(64),
    "too long": np.zeros((1, 8, 9, 1)),
    "no dimensions": np.zeros(()),
}


@pytest.mark.parametrize("name", WRONG_TYPE)
@pytest.mark.parametrize("side", ["lo", "hi"])
def test_wrong_types_are_named(deployed: Any, name: str, side: str) -> None:
    ends = {"lo": np.zeros(SHAPE), "hi": np.ones(SHAPE)} | {side: WRONG_TYPE[name]}
    with pytest.raises(TypeError, match=side):
        _core.bound(deployed, [ends["lo"]], [ends["hi"]], "real", None)


@pytest.mark.parametrize("name", WRONG_FORM)
@pytest.mark.parametrize("side", ["lo", "hi"])
def test_wrong_forms_are_refused(deployed: Any, name: str, side: str) -> None:
    ends = {"lo": np.zeros(SHAPE), "hi": np.ones(SHAPE)} | {side: WRONG_FORM[name]}
    with pytest.raises(ValueError, match=r"shape|contiguous|aligned"):
        _core.bound(deployed, [ends["lo"]], [ends["hi"]], "real", None)


@pytest.mark.parametrize("lo", [np.nan, np.inf, 2.0])
def test_what_is_no_box_is_refused_by_the_core_itself(deployed: Any, lo: float) -> None:
    for semantics in ("real", "tflm"):
        with pytest.raises(gonogo.errors.BoxError):
            _core.bound(deployed, [np.full(SHAPE, lo)], [np.ones(SHAPE)], semantics, None)
    with pytest.raises(gonogo.errors.BoxError):
        _core.error(None, deployed, [np.full(SHAPE, lo)], [np.ones(SHAPE)], "tflm", None, 1000, 0)
    with pytest.raises(gonogo.errors.BoxError):
        _core.evaluate_real(deployed, [np.full(SHAPE, lo)], [np.ones(SHAPE)])


def test_the_number_of_inputs_is_checked(deployed: Any) -> None:
    one = np.zeros(SHAPE)
    for lo, hi in (([], []), ([one], []), ([one, one], [one, one])):
        with pytest.raises(gonogo.errors.BoxError):
            _core.bound(deployed, lo, hi, "real", None)


def test_read_only_arrays_are_fine(deployed: Any) -> None:
    lo, hi = np.zeros(SHAPE), np.ones(SHAPE)
    lo.flags.writeable = hi.flags.writeable = False
    assert len(_core.bound(deployed, [lo], [hi], "real", None)) >= 1


def test_integers_are_checked(deployed: Any) -> None:
    good = np.zeros(SHAPE, np.int32)
    assert _core.evaluate_int8(deployed, "tflm", [good])
    for bad in (np.full(SHAPE, 128, np.int32), np.full(SHAPE, -129, np.int32)):
        with pytest.raises(ValueError, match="range"):
            _core.evaluate_int8(deployed, "tflm", [bad])
    for wrong in (np.zeros(SHAPE, np.int8), np.zeros(SHAPE, np.int64), np.zeros(SHAPE)):
        with pytest.raises(TypeError):
            _core.evaluate_int8(deployed, "tflm", [wrong])
    with pytest.raises((ValueError, NotImplementedError)):
        _core.evaluate_int8(deployed, "no such profile", [good])


def test_results_belong_to_the_caller(deployed: Any) -> None:
    result = _core.bound(deployed, [np.zeros(SHAPE)], [np.ones(SHAPE)], "real", None)[0]
    first = result.lower
    before = first.copy()
    first[...] = 1e9
    assert (result.lower == before).all()
    del result
    assert (first == 1e9).all()


def test_quantisation_parameters_are_checked() -> None:
    scales, zero_points = np.ones(1, np.float32), np.zeros(1, np.int32)
    assert _core.Quantization(scales, zero_points).axis == 0
    for s, z in (
        (np.ones(1), zero_points),
        (scales, np.zeros(1, np.int64)),
        ([1.0], zero_points),
        (np.ones(2, np.float32)[::-1], np.zeros(2, np.int32)),
    ):
        with pytest.raises((TypeError, ValueError), match=r"scales|zero_points"):
            _core.Quantization(s, z)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((3, 4)),
        np.zeros((3, 4), np.float16),
        np.zeros((3, 4), ">f4"),
        np.zeros((3, 4), object),
        np.zeros((3, 4), np.float32)[:, ::-1],
        np.asfortranarray(np.zeros((3, 4), np.float32)),
        np.full((3, 4), np.nan, np.float32),
        np.full((3, 4), np.inf, np.float32),
    ],
)
def test_constants_are_checked(values: np.ndarray[Any, Any]) -> None:
    builder = _core.GraphBuilder("test", "architecture")
    with pytest.raises((TypeError, ValueError), match="w"):
        builder.constant("w", values)
