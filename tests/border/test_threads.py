"""One graph, many threads: the engines hold no state and let go of the GIL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gonogo
import pytest

DEMO = Path(gonogo.__file__).parent / "demo"


def test_the_same_answer_from_every_thread() -> None:
    deployed = gonogo.load(DEMO / "digits_int8.tflite")
    reference = gonogo.load(DEMO / "digits_float32.tflite")
    box = gonogo.Box.from_file(DEMO / "digits_box.json")

    def ask(_: int) -> tuple[bytes, bytes, int]:
        found = gonogo.error(reference, deployed, box, search=500_000, seed=7)
        ranges = gonogo.bound(deployed, box, semantics="tflm")
        return found.bound.tobytes(), ranges.lower.tobytes(), gonogo.cost(deployed, "stm32f746").core.macs

    alone = ask(0)
    with ThreadPoolExecutor(8) as pool:
        assert all(answer == alone for answer in pool.map(ask, range(24)))


def test_an_engine_lets_other_threads_run() -> None:
    deployed = gonogo.load(DEMO / "digits_int8.tflite")
    done = threading.Event()
    ticks = 0

    def work() -> None:
        gonogo.error(None, deployed, search=100_000_000)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    # Were the GIL held, this loop would get no turn until the engine is done.
    while not done.wait(0.001):
        ticks += 1
    thread.join()
    assert ticks >= 3


def test_loading_from_many_threads() -> None:
    def load(_: int) -> str:
        return gonogo.load(DEMO / "digits_int8.tflite").sha256

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load, range(32)))) == 1


def test_the_number_of_threads_changes_nothing() -> None:
    deployed = gonogo.load(DEMO / "digits_int8.tflite")
    reference = gonogo.load(DEMO / "digits_float32.tflite")
    former = gonogo.thread_count()
    answers = set()
    try:
        for count in (1, 2, 3, 4):
            gonogo.set_thread_count(count)
            assert gonogo.thread_count() == count
            found = gonogo.error(reference, deployed, search=100_000, seed=7)
            answers.add((found.bound.tobytes(), repr(found.witness.value).encode()))
            answers.add((gonogo.bound(deployed).lower.tobytes(), b""))
    finally:
        gonogo.set_thread_count(former)
    assert len(answers) == 2


@pytest.mark.parametrize("count", [0, -1, 257])
def test_impossible_numbers_of_threads(count: int) -> None:
    with pytest.raises(ValueError, match=f"thread count {count}: expected 1 to 256"):
        gonogo.set_thread_count(count)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GONOGO_THREADS", "many", "GONOGO_THREADS 'many': expected a number from 1 to 256"),
        ("GONOGO_INSTRUCTION_SET", "mmx", "GONOGO_INSTRUCTION_SET 'mmx': this machine has"),
    ],
)
def test_bad_settings_are_named_at_import(name: str, value: str, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import gonogo"],
        env=os.environ | {name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert message in done.stderr
