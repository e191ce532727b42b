"""Damages model files and loads what comes out: only gonogo's own errors, or success, are allowed.

    python tests/tools/fuzz_models.py --mutants 100000 --seed 7 model.tflite other.onnx

Mutants that load go through the engines. Each model is worked on by a process of its own, with limits on memory
and on the time of one mutant. When that process dies, the mutant that killed it is written to --keep, and another
process goes on with the next. A mutant is made from (seed, number) alone, so every finding can be made again. Exit
status 1 when there was a finding.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import faulthandler
import json
import math
import os
import random
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

TEMPTING = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 24, 1 << 28, 1 << 30)
TEMPTING_WORDS = (
    *TEMPTING,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    0x7F800000,
    0xFF800000,
    0x7FC00000,
)


def structure(data: bytes, suffix: str) -> list[int]:
    """Positions outside the weights. Most bytes of a model are weights, and damage to them rarely matters."""
    taken: list[tuple[int, int]] = []
    if suffix == ".tflite":
        import tflite

        model = tflite.Model.GetRootAsModel(data, 0)
        for i in range(model.BuffersLength()):
            tab = model.Buffers(i)._tab
            if offset := tab.Offset(4):
                taken.append((tab.Vector(offset), tab.VectorLen(offset)))
    elif suffix == ".onnx":
        import onnx

        for tensor in onnx.ModelProto.FromString(data).graph.initializer:
            raw = tensor.raw_data
            if len(raw) > 16 and (at := data.find(raw)) >= 0:
                taken.append((at, len(raw)))
    free = bytearray(b"\1") * len(data)
    for start, size in taken:
        free[start : start + size] = bytes(size)
    return [i for i, is_free in enumerate(free) if is_free]


def mutant(data: bytes, places: list[int], seed: int, number: int) -> bytes:
    """The mutant of this number: a few edits of one or two kinds."""
    rng = random.Random(f"{seed}:{number}")
    out = bytearray(data)

    def place() -> int:
        return rng.choice(places) if places and rng.random() < 0.8 else rng.randrange(len(data))

    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.randrange(10)
        at = place()
        if kind == 0:
            del out[rng.randrange(len(out) + 1) :]  # cut short
        elif kind == 1:
            length = rng.randrange(1, 65)
            del out[at : at + length]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.randrange(1, 65))
        elif kind == 3:  # a word of structure gets another one's value: swapped, shared and cyclic references
            there, here = place() & ~3, at & ~3
            out[here : here + 4] = data[there : there + 4]
        elif kind == 4:
            word = rng.choice((*TEMPTING_WORDS, len(data), len(data) - 4, max(len(data) - at, 0), at))
            out[at & ~3 : (at & ~3) + 4] = (word & 0xFFFFFFFF).to_bytes(4, "little")
        elif kind == 5:
            out[at & ~1 : (at & ~1) + 2] = (rng.choice(TEMPTING) & 0xFFFF).to_bytes(2, "little")
        elif kind == 6:  # a small change of a word: indices and lengths that are nearly right
            word = int.from_bytes(data[at & ~3 : (at & ~3) + 4], "little") + rng.randrange(-8, 9)
            out[at & ~3 : (at & ~3) + 4] = (word & 0xFFFFFFFF).to_bytes(4, "little")
        else:
            for _ in range(rng.choice((1, 1, 2, 4, 16))):
                if at < len(out):
                    out[at] = rng.choice((rng.randrange(256), out[at] ^ (1 << rng.randrange(8))))
                at = place()
    return bytes(out)


def use(graph: Any) -> None:
    """Walks a graph that loaded through every engine. Each may refuse it, none may crash, hang or answer NaN."""
    from gonogo import _core, targets

    tensors = [graph.tensor(name) for name in graph.tensor_names]
    for node in graph.nodes:
        assert node.op
    with contextlib.suppress(_core.GonogoError):
        _core.cost(graph, targets.load("stm32f746").core)
    if sum(math.prod(t.shape) for t in tensors) > 1 << 22:
        return
    inputs = [graph.tensor(name) for name in graph.inputs]
    lo, hi = [np.full(t.shape, -0.5) for t in inputs], [np.full(t.shape, 0.5) for t in inputs]
    with contextlib.suppress(_core.GonogoError):
        for low, high in _core.evaluate_real(graph, lo, hi).values():
            assert np.all(low <= high)
    # All profiles, attribution and linear bounds of a large net may take seconds, which would be taken for a hang.
    small = sum(math.prod(t.shape) for t in tensors) <= 1 << 13
    profiles = ("tflm", "ort", "litert", "litert_ref", "xnnpack", "any") if small else ("tflm", "any")
    ways = [(p, "interval", False) for p in profiles]
    ways += [("tflm", "interval", True), ("any", "linear", True)] if small else []
    for profile, method, attribute in ways:
        with contextlib.suppress(_core.GonogoError):
            values = [np.zeros(t.shape, np.float32 if t.dtype == "float32" else np.int32) for t in inputs]
            _core.evaluate_int8(graph, profile, values)
        with contextlib.suppress(_core.GonogoError):
            for found in _core.error(
                None, graph, lo, hi, profile, search_multiplies=10_000, method=method, attribute=attribute
            ).tensors:
                assert not np.any(np.isnan(found.bound))


def limit_memory(mebibytes: int) -> None:
    # A sanitizer reserves terabytes of addresses; there its own limit on resident memory does the job.
    if "asan" not in os.environ.get("LD_PRELOAD", "") and sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))


def work(path: Path, seed: int, first: int, last: int, seconds: float, memory: int) -> None:
    """Prints the number of each mutant before it is loaded, and a summary at the end."""
    from gonogo.errors import GonogoError
    from gonogo.loaders import load_bytes

    data, suffix = path.read_bytes(), path.suffix
    places = structure(data, suffix)
    whole = load_bytes(data, "whole" + suffix)
    use(whole)  # imports what is imported late, before memory is limited
    elements = sum(math.prod(t.shape) for t in map(whole.tensor, whole.tensor_names) if not t.is_constant)
    every = 1 + elements // 5000  # of the mutants that load, how many go through the engines
    faulthandler.enable()
    limit_memory(memory)
    outcomes: collections.Counter[str] = collections.Counter()
    for number in range(first, last):
        print(number, flush=True)
        changed = mutant(data, places, seed, number)
        faulthandler.dump_traceback_later(seconds, exit=True)
        try:
            graph = load_bytes(changed, "mutant" + suffix)
            outcomes["loaded"] += 1
            if outcomes["loaded"] % every == 0:
                use(graph)
        except GonogoError as error:
            if not str(error).startswith("mutant"):
                raise RuntimeError(f"an error that does not name the file: {error}") from error
            outcomes[type(error).__name__] += 1
        finally:
            faulthandler.cancel_dump_traceback_later()
    print(json.dumps(outcomes))


def fuzz(
    path: Path, mutants: int, seed: int, seconds: float, memory: int, keep: Path | None
) -> dict[str, object]:
    """Works through the mutants of one model, in as many processes as survive."""
    first, findings = 0, []
    outcomes: collections.Counter[str] = collections.Counter()
    while first < mutants:
        options = [
            "--seed",
            seed,
            "--first",
            first,
            "--mutants",
            mutants,
            "--seconds",
            seconds,
            "--memory",
            memory,
        ]
        command = [sys.executable, __file__, "--worker", *map(str, options), str(path)]
        process = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        lines = process.stdout.splitlines()
        if process.returncode == 0:
            outcomes.update(json.loads(lines[-1]))
            break
        numbers = [int(line) for line in lines if line.isdigit()]
        if not numbers:
            raise RuntimeError(f"{path}: the model itself does not load:\n{process.stderr}")
        number = numbers[-1]
        words = process.stderr.strip().splitlines()
        findings.append({"mutant": number, "status": process.returncode, "stderr": words[-30:]})
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            changed = mutant(data, structure(data, path.suffix), seed, number)
            (keep / f"{path.stem}-{seed}-{number}{path.suffix}").write_bytes(changed)
        first = number + 1
        if len(findings) >= 20:
            break
    return {"model": path.name, "mutants": mutants, "outcomes": dict(outcomes), "findings": findings}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--mutants", type=int, default=2000, help="per model")
    parser.add_argument("--seed", type=int, default=0)
    limit = float(os.environ.get("GONOGO_MUTANT_SECONDS", "5"))  # sanitizers take many times as long
    parser.add_argument("--seconds", type=float, default=limit, help="longest time for one mutant")
    parser.add_argument("--memory", type=int, default=4096, help="address space of the process, in MiB")
    parser.add_argument("--keep", type=Path, help="folder for mutants that were findings")
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        try:
            limits = (options.seconds, options.memory)
            work(options.models[0], options.seed, options.first, options.mutants, *limits)
        except BaseException:
            traceback.print_exc()
            return 3
        return 0
    failed = False
    for path in options.models:
        result = fuzz(path, options.mutants, options.seed, options.seconds, options.memory, options.keep)
        print(json.dumps(result), flush=True)
        failed |= bool(result["findings"])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
