"""Thousands of damaged copies of each model: a graph or one of gonogo's errors, never a crash, a hang or a flood.

GONOGO_MUTANTS sets the number per model; deep runs call tests/tools/fuzz_models.py directly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gonogo.errors import GonogoError
from gonogo.loaders import load_bytes
from support.int16_nets import random_net

TOOL = Path(__file__).resolve().parents[1] / "tools" / "fuzz_models.py"
MUTANTS = int(os.environ.get("GONOGO_MUTANTS", "0"))


def survive(paths: list[Path], mutants: int, seed: int) -> None:
    options = ["--mutants", str(MUTANTS or mutants), "--seed", str(seed)]
    command = [sys.executable, str(TOOL), *options, *map(str, paths)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    results: list[dict[str, Any]] = [json.loads(line) for line in process.stdout.splitlines()]
    findings = {r["model"]: r["findings"] for r in results if r["findings"]}
    assert not findings, json.dumps(findings, indent=1)
    assert process.returncode == 0, process.stderr
    assert len(results) == len(paths)
    for result in results:
        # The mutations reach the checks behind the reader, and some leave the model usable.
        assert sum(result["outcomes"].values()) == result["mutants"]
        # Mutants reach past the file's frame: some load, some are refused for what they say, not only for damage.
        assert {"loaded", "ModelError"} < set(result["outcomes"]), result


def test_mutants_of_the_demo(demo_path: Path) -> None:
    survive([demo_path], mutants=3000, seed=1)


def test_mutants_of_a_net_on_int16(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(random_net(np.random.default_rng(0), curves=False, last=True))
    survive([path], mutants=150, seed=3)


@pytest.mark.corpus
def test_mutants_of_the_corpus(corpus: Path) -> None:
    survive(sorted((corpus / "cost" / "models").glob("*.tflite")), mutants=250, seed=2)


def test_every_prefix_of_the_demo(demo_path: Path) -> None:
    data = demo_path.read_bytes()
    for size in range(len(data)):
        with pytest.raises(GonogoError, match=r"^part\.tflite: "):
            load_bytes(data[:size], "part.tflite")


@pytest.mark.parametrize("word", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_every_word_of_the_demo(demo_path: Path, word: int) -> None:
    """Each aligned word becomes a value that breaks offsets, lengths, indices, shapes and scales alike."""
    data = demo_path.read_bytes()
    loaded = refused = named = 0
    for at in range(0, len(data) - 3, 4):
        try:
            load_bytes(data[:at] + word.to_bytes(4, "little") + data[at + 4 :], "word.tflite")
            loaded += 1
        except GonogoError as error:
            refused += 1
            named += str(error).startswith("word.tflite: ")
    assert named == refused
    assert loaded > 0
    assert refused > 0
