"""Published int8 models, whole, bit by bit, against TensorFlow Lite Micro; profile `ort`: tests/loaders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo import _core
from gonogo.loaders.tflite import load_tflite
from support.tflm_runtime import Runtime, random_input

PUBLISHED = [
    "ad01_int8",
    "kws_ref_model",
    "mltk_anomaly_detection",
    "pretrainedResnet_quant",
    "st_audio_event_detection__miniresnet__esc10__miniresnet_1stacks_64x50__miniresnet_1stacks_64x50_int8",
    "st_audio_event_detection__yamnet__esc_10__yamnet_256_64x96__yamnet_256_64x96_int8",
    "str_ww_ref_model",
    "tflm_hello_world_int8",
    "tflm_micro_speech_quantized",
    "tflm_person_detect",
    "vww_96_int8",
]


def compare_tflm(data: bytes, count: int) -> int:
    """Outputs compared; fails at the first difference."""
    graph = load_tflite(data, "model")
    ours, theirs = _core.IntegerRunner(graph, "tflm"), Runtime(data)
    rng = np.random.default_rng(7)
    compared = 0
    for i in range(count):
        given: list[Any] = []
        for name in graph.inputs:
            info = graph.tensor(name)
            if info.dtype == "int8":
                given.append(random_input(rng, info.shape))
            else:
                given.append(
                    (rng.standard_normal(info.shape) * 3.0 ** rng.integers(-2, 3)).astype(np.float32)
                )
        mine = ours([x.astype(np.int32) if x.dtype == np.int8 else x for x in given])
        for a, b in zip(mine, theirs(given, len(graph.outputs)), strict=True):
            assert np.array_equal(a, b), f"input {i}: {np.count_nonzero(a != b)} of {b.size} outputs differ"
            compared += b.size
    return compared


@pytest.mark.corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_equals_tflite_micro(corpus: Path, name: str) -> None:
    assert compare_tflm((corpus / "cost" / "models" / f"{name}.tflite").read_bytes(), 15) > 0


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_model_equals_tflite_micro_on_a_thousand_inputs(corpus: Path, name: str) -> None:
    assert compare_tflm((corpus / "cost" / "models" / f"{name}.tflite").read_bytes(), 1000) > 0
