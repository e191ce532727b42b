"""Boxes: outward where numbers are written or computed, and refused when they are none."""

from __future__ import annotations

import json
import zipfile
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gonogo import Box
from gonogo.box import exact_float64
from gonogo.errors import BoxError
from hypothesis import given
from hypothesis import strategies as st


def graph(**shapes: list[int]) -> Any:
    tensors = {name: SimpleNamespace(name=name, shape=shape) for name, shape in shapes.items()}
    return SimpleNamespace(source="m.tflite", inputs=list(tensors), tensor=tensors.__getitem__)


def write(folder: Path, data: object) -> Path:
    path = folder / "box.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


# ---- from arrays


def test_numbers_stand_for_every_element() -> None:
    lo, hi = Box(-1, 2.5).fit(graph(x=[1, 2, 3]))
    assert lo[0].shape == hi[0].shape == (1, 2, 3)
    assert lo[0].dtype == np.float64
    assert (lo[0] == -1).all()
    assert (hi[0] == 2.5).all()


def test_an_array_and_a_number_go_together() -> None:
    box = Box(np.zeros((2, 2), np.float32), 1.0)
    assert box.hi[0].shape == (2, 2)


def test_the_batch_dimension_may_be_left_out() -> None:
    lo, _ = Box(np.zeros((2, 3)), np.ones((2, 3))).fit(graph(x=[1, 2, 3]))
    assert lo[0].shape == (1, 2, 3)


def test_inputs_go_by_name() -> None:
    box = Box({"b": np.zeros(2), "a": np.ones(3)}, {"b": np.ones(2), "a": np.ones(3)})
    lo, hi = box.fit(graph(a=[3], b=[2]))
    assert [a.shape for a in lo] == [(3,), (2,)]
    assert (hi[0] == 1).all()


@pytest.mark.parametrize(
    ("shapes", "message"),
    [({"x": [4]}, "shape"), ({"x": [2], "y": [2]}, "2"), ({"x": [3, 2]}, "shape")],
)
def test_a_box_that_does_not_fit_names_the_model(shapes: dict[str, list[int]], message: str) -> None:
    with pytest.raises(BoxError, match=f"m.tflite.*{message}"):
        Box(np.zeros((2, 3)), np.ones((2, 3))).fit(graph(**shapes))


def test_wrong_names_are_listed() -> None:
    with pytest.raises(BoxError, match="audio"):
        Box({"audio": 0.0}, {"audio": 1.0}).fit(graph(image=[2]))


@pytest.mark.parametrize(
    ("lo", "hi"),
    [
        (1.0, 0.0),
        (np.array([0.0, 2.0]), np.array([1.0, 1.0])),
        (float("nan"), 1.0),
        (0.0, float("inf")),
        (-np.inf, 0.0),
        (np.array([0.0, np.nan]), 1.0),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros((1, 2))),
        ([np.zeros(2)], [np.ones(2), np.ones(2)]),
        ([], []),
        ({"x": 0.0}, {"y": 1.0}),
        ({"x": 0.0}, 1.0),
        (np.zeros(2, bool), 1.0),
        (np.zeros(2, complex), 1.0),
        (np.array(["0"]), 1.0),
        (np.array([None]), 1.0),
        ("0", 1.0),
        (None, 1.0),
        (True, 1.0),
        (2**60 + 1, 2**61),
        (2**80, 2**81),
    ],
)
def test_what_is_no_box_is_refused(lo: Any, hi: Any) -> None:
    with pytest.raises(BoxError):
        Box(lo, hi)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8", "f2", "i1", "u2", "i4", ">i8"])
@pytest.mark.parametrize("layout", ["C", "F", "reversed", "readonly"])
def test_widening_is_exact_in_any_layout(dtype: str, layout: str) -> None:
    values = np.arange(12).reshape(3, 4).astype(dtype)
    given_values = {
        "C": values,
        "F": np.asfortranarray(values),
        "reversed": values[::-1, ::-1],
        "readonly": np.frombuffer(values.tobytes(), dtype).reshape(3, 4),
    }[layout]
    got = exact_float64(given_values, "x")
    assert got.dtype == np.float64
    assert got.flags.c_contiguous
    assert got.tolist() == given_values.tolist()


def test_a_box_does_not_change() -> None:
    source = np.zeros(2)
    box = Box(source, 1.0)
    source[:] = 0.5
    assert (box.lo[0] == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        box.lo[0][0] = 5.0
    with pytest.raises(AttributeError):
        box.lo = ()  # type: ignore[assignment]


def test_the_hash_tells_boxes_apart() -> None:
    assert Box(0.0, 1.0).sha256 == Box(0, 1).sha256
    assert Box(0.0, 1.0).sha256 != Box(0.0, np.nextafter(1.0, 0.0)).sha256


# ---- around a sample


@given(
    st.floats(-1e6, 1e6),
    st.floats(0, 1e3),
)
def test_the_ball_is_covered(sample: float, radius: float) -> None:
    box = Box.around(np.array([sample]), radius)
    assert Fraction(float(box.lo[0][0])) <= Fraction(sample) - Fraction(radius)
    assert Fraction(float(box.hi[0][0])) >= Fraction(sample) + Fraction(radius)


@pytest.mark.soundness
def test_the_ball_is_covered_where_sums_round() -> None:
    # 1/3 and 2^-54 don't add exactly; to nearest, one of the two ends falls inside.
    sample, radius = np.array([1.0 / 3.0, -1.0 / 3.0]), 2.0**-54 * 1.25
    box = Box.around(sample, radius)
    for s, low, high in zip(sample, box.lo[0], box.hi[0], strict=True):
        assert Fraction(float(low)) <= Fraction(float(s)) - Fraction(radius)
        assert Fraction(float(high)) >= Fraction(float(s)) + Fraction(radius)


def test_clipping() -> None:
    box = Box.around(np.float32([0.0, 0.5, 1.0]), 0.25, clip=(0, 1))
    assert box.lo[0].tolist() == [0.0, 0.25, 0.75]
    assert box.hi[0].tolist() == [0.25, 0.75, 1.0]
    assert "clipped" in box.origin


def test_several_inputs() -> None:
    assert len(Box.around([np.zeros(2), np.ones(3)], 0.5).lo) == 2
    assert Box.around({"a": np.zeros(2), "b": np.ones(3)}, 0.5).names == ("a", "b")


@pytest.mark.parametrize(
    ("radius", "clip"),
    [
        (-0.1, None),
        (float("nan"), None),
        (0.1, (1.0, 0.0)),
        (0.1, (5.0, 6.0)),
        (0.1, 3.0),
        (np.zeros(2), None),
    ],
)
def test_wrong_radius_or_clip(radius: Any, clip: Any) -> None:
    with pytest.raises(BoxError):
        Box.around(np.zeros(2), radius, clip)


# ---- JSON


@pytest.mark.soundness
def test_written_decimals_are_inside(tmp_path: Path) -> None:
    texts = ["0.1", "0.2", "0.3", "0.7", "1e-3", "123456789.123456789", "-0.1", "-0.3"]
    box = Box.from_json(write(tmp_path, f'{{"lo": [{", ".join(texts)}], "hi": [{", ".join(texts)}]}}'))
    for text, low, high in zip(texts, box.lo[0], box.hi[0], strict=True):
        assert Fraction(float(low)) <= Fraction(text) <= Fraction(float(high))


@pytest.mark.soundness
def test_a_written_ball_is_inside(tmp_path: Path) -> None:
    box = Box.from_json(write(tmp_path, {"sample": [0.1, 0.7], "radius": 0.05}))
    for text, low, high in zip(("0.1", "0.7"), box.lo[0], box.hi[0], strict=True):
        assert Fraction(float(low)) <= Fraction(text) - Fraction("0.05")
        assert Fraction(text) + Fraction("0.05") <= Fraction(float(high))


def test_json_forms(tmp_path: Path) -> None:
    assert Box.from_json(write(tmp_path, {"lo": -1, "hi": 1})).lo[0].shape == ()
    named = Box.from_json(write(tmp_path, {"a": {"lo": [0], "hi": [1]}, "b": {"sample": 0, "radius": 1}}))
    assert named.names == ("a", "b")
    clipped = Box.from_json(write(tmp_path, {"sample": [[0, 1]], "radius": 0.5, "clip": [0, 1]}))
    assert clipped.lo[0].tolist() == [[0.0, 0.5]]
    assert "box.json" in clipped.origin


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[1]",
        "3",
        "{",
        "{}",
        '{"lo": 0}',
        '{"lo": 0, "hi": 1, "mid": 0.5}',
        '{"lo": NaN, "hi": 1}',
        '{"lo": -Infinity, "hi": 1}',
        '{"lo": 0, "hi": 1e999}',
        '{"lo": "0", "hi": 1}',
        '{"lo": true, "hi": 1}',
        '{"lo": null, "hi": 1}',
        '{"lo": [], "hi": []}',
        '{"lo": [[1], [2, 3]], "hi": 4}',
        '{"lo": [1, [2]], "hi": 4}',
        '{"lo": [[1], 2], "hi": 4}',
        '{"lo": 2, "hi": 1}',
        '{"sample": 0}',
        '{"sample": 0, "radius": -1}',
        '{"sample": 0, "radius": [1, 2]}',
        '{"sample": 0, "radius": 1, "clip": 3}',
        '{"sample": 0, "radius": 1, "clip": [1]}',
        '{"a": {"lo": 0, "hi": 1}, "b": 3}',
        '{"lo": ' + "1" * 1000 + ', "hi": 1}',
        '{"lo": ' + "[" * 100_000 + "]" * 100_000 + ', "hi": 1}',
        '{"lo": ' + "[" * 20 + "1" + "]" * 20 + ', "hi": 1}',
        "\x00\x01",
    ],
)
def test_a_damaged_json_box_is_refused(tmp_path: Path, data: str) -> None:
    with pytest.raises(BoxError):
        Box.from_json(write(tmp_path, data))


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Box.from_file(tmp_path / "absent.json")
    with pytest.raises((BoxError, OSError)):
        Box.from_file(tmp_path)
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    with pytest.raises(BoxError, match="binary.json"):
        Box.from_file(tmp_path / "binary.json")


# ---- .npz and data


def test_npz_forms(tmp_path: Path) -> None:
    path = tmp_path / "box.npz"
    np.savez(path, lo=np.zeros((2, 2), np.float32), hi=np.ones((2, 2)))
    assert Box.from_file(path).lo[0].shape == (2, 2)
    np.savez(path, **{"a.lo": np.zeros(2), "a.hi": np.ones(2), "b.lo": np.zeros(3), "b.hi": np.ones(3)})
    assert Box.from_npz(path).names == ("a", "b")


def test_a_wrong_npz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "box.npz"
    for arrays in ({"lo": np.zeros(2)}, {"a.lo": np.zeros(2)}, {"x": np.zeros(2)}):
        np.savez(path, **arrays)
        with pytest.raises(BoxError, match="lo"):
            Box.from_npz(path)
    np.savez(path, lo=np.array([{}], dtype=object), hi=np.zeros(1))
    with pytest.raises(BoxError):
        Box.from_npz(path)


def test_damaged_archives_never_crash(tmp_path: Path) -> None:
    path = tmp_path / "box.npz"
    np.savez(path, lo=np.zeros(4), hi=np.ones(4))
    good = path.read_bytes()
    for position in range(0, len(good), 3):
        damaged = bytearray(good)
        damaged[position] ^= 0xFF
        path.write_bytes(bytes(damaged))
        try:
            Box.from_npz(path)
        except (BoxError, OSError):
            continue
    for length in range(0, len(good), 17):
        path.write_bytes(good[:length])
        with pytest.raises(BoxError):
            Box.from_npz(path)


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lo.npy", b"\0" * 2_000_000)
    monkeypatch.setattr("gonogo.files.MAX_BYTES", 1_000_000)
    with pytest.raises(BoxError, match="unpacks"):
        Box.from_npz(path)


def test_percentiles_are_values_of_the_data(tmp_path: Path) -> None:
    data = np.random.default_rng(3).normal(size=(101, 4)).astype(np.float32)
    path = tmp_path / "data.npy"
    np.save(path, data)
    box = Box.from_data(path, (5, 95))
    ordered = np.sort(data.astype(np.float64), axis=0)
    assert (box.lo[0] == ordered[5]).all()
    assert (box.hi[0] == ordered[95]).all()
    whole = Box.from_data(path)
    assert (whole.lo[0] == ordered[0]).all()
    assert (whole.hi[0] == ordered[-1]).all()
    # Between two values the outer one is taken.
    assert (Box.from_data(path, (0.5, 99.5)).lo[0] == ordered[0]).all()


@pytest.mark.parametrize("percentiles", [(-1, 50), (60, 50), (0, 101), (float("nan"), 50)])
def test_wrong_percentiles(tmp_path: Path, percentiles: tuple[float, float]) -> None:
    np.save(tmp_path / "data.npy", np.zeros((3, 2)))
    with pytest.raises(BoxError):
        Box.from_data(tmp_path / "data.npy", percentiles)


def test_wrong_data(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    for array in (np.zeros(3), np.zeros((0, 2)), np.array([[np.nan]]), np.array([["a"]])):
        np.save(path, array)
        with pytest.raises(BoxError, match="data.npy"):
            Box.from_data(path)
    path.write_bytes(b"\x93NUMPY\x01\x00\x02\x00{}")
    with pytest.raises(BoxError, match="data.npy"):
        Box.from_data(path)


def test_around_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 3), np.float32))
    assert Box.around_file(tmp_path / "x.npy", 0.5).hi[0].tolist() == [[0.5, 0.5, 0.5]]
    np.savez(tmp_path / "x.npz", a=np.zeros(2), b=np.zeros(3))
    assert Box.around_file(tmp_path / "x.npz", 0.5).names == ("a", "b")
