"""Target files: what comes with the package is complete and sourced, and a bad file is refused by name and key."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from gonogo import targets
from gonogo.errors import TargetError

FOLDER = Path(targets.__file__).parent
MINIMAL = """
name = "mine"
core = "Cortex-M4"
[arena]
kernels = "cmsis-nn-dsp"
pointer_bits = 32
source = "my build"
"""
TIMED = MINIMAL + "[timing]\ninstructions = 'cortex-m4'\nengine = 'e'\nsource = 's'\n"
STAGED = """
[timing.cycles_per_instruction]
unit = "cycle per instruction"
standing = "estimated"
networks = 2
conv_1x1 = 1
conv_general = 1
conv_outputs = 1
depthwise = 1
dense = 1
other = 1
"""


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write_text(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def test_twelve_boards_and_four_cores_have_a_latency() -> None:
    boards = {t.title.split(",")[0] for t in targets.list_targets() if t.core.name != "host64" and t.timing}
    assert len(boards - {"Cortex-M55 with Helium", "Cortex-M3"}) >= 12
    cores = {t.core_name for t in targets.list_targets() if t.coverage is not None}
    assert {"Cortex-M0+", "Cortex-M4", "Cortex-M7", "Cortex-M33"} <= cores


def test_names_and_objects() -> None:
    assert targets.names() == tuple(t.name for t in targets.list_targets())
    f746 = targets.load("stm32f746")
    assert f746 is targets.load("stm32f746") is targets.load_target("stm32f746")
    assert (f746.ram_bytes, f746.flash_bytes, f746.clock_hz) == (320 * 1024, 1024 * 1024, 216e6)
    assert str(f746).startswith("stm32f746: ")
    with pytest.raises(dataclasses.FrozenInstanceError):
        f746.name = "other"  # type: ignore[misc]


def test_every_number_has_a_unit_and_a_source() -> None:
    tomllib = pytest.importorskip("tomllib")
    for path in FOLDER.glob("*.toml"):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        assert data["name"] == path.stem
        for group in (data.get("clock"), data.get("power"), *data.get("memory", {}).values()):
            assert group is None or (group["unit"] and group["source"]), path.name
        timing = data.get("timing")
        if timing:
            assert timing["source"]
            assert timing["engine"]
            about = timing.get("cycles_per_instruction", timing)
            assert all(part["unit"] for part in timing.get("rooflines", [about]))
            interval = timing.get("interval", about)
            assert about["standing"] == "assumed" or (about["networks"] >= 2 and 0 < interval["coverage"] < 1)
            assert about["standing"] != "assumed" or about["source"]


def test_assumed_timing_says_so() -> None:
    m55 = targets.load("cortex-m55")
    assert m55.coverage is None
    assert any(name == "cycles" for name, _ in m55.sources)


def test_near_names_are_offered() -> None:
    with pytest.raises(
        TargetError, match=r"no target 'stm32f764'; did you mean .*stm32f746.*Known: cortex-m55, "
    ):
        targets.load("stm32f764")


def test_own_files(write) -> None:  # type: ignore[no-untyped-def]
    mine = targets.load(write(MINIMAL))
    assert (mine.name, mine.clock_hz, mine.ram_bytes, mine.engine) == ("mine", None, None, "")
    assert targets.load(str(write(MINIMAL))).name == "mine"


def test_the_documented_form_is_read(root: Path, write) -> None:  # type: ignore[no-untyped-def]
    text = (root / "docs" / "cost-model.md").read_text(encoding="utf-8").split("## Target files")[1]
    block = [
        line[4:] for line in text.split("## Speed")[0].splitlines() if line.startswith("    ") or not line
    ]
    mine = targets.load(write("\n".join(block)))
    assert (mine.ram_bytes, mine.flash_bytes, mine.clock_hz) == (128 * 1024, 1024 * 1024, 80e6)
    assert (mine.coverage, mine.networks) == (0.75, 3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not TOML"),
        ("core = 'x'", "name: a text is required"),
        ("name = 'x'", "arena: a table is required"),
        (MINIMAL.replace("cmsis-nn-dsp", "magic"), "kernels 'magic' aren't known"),
        (MINIMAL.replace("32", "16"), "pointer_bits must be 32 or 64"),
        (MINIMAL.replace("32", "true"), "arena.pointer_bits: a number is required"),
        (MINIMAL + "[clock]\nvalue = 3\nunit = 'knots'\nsource = 's'", "clock.unit: 'knots' isn't one of"),
        (MINIMAL + "[clock]\nvalue = 0\nunit = 'Hz'\nsource = 's'", "clock_hz must lie"),
        (MINIMAL + "[clock]\nvalue = nan\nunit = 'Hz'\nsource = 's'", "clock.value: a number is required"),
        (MINIMAL + "[clock]\nvalue = 3\nunit = 'Hz'", "clock.source: a text is required"),
        (MINIMAL + "[memory]\nram = 3", "memory.ram. must be a table"),
        (
            MINIMAL + "[memory.ram]\nvalue = -1\nunit = 'B'\nsource = 's'",
            "memory.ram.value: must not be negative",
        ),
        (
            TIMED + "[timing.cycles_per_instruction]\nunit = 'cycle per instruction'\nconv_1x1 = 1",
            "conv_general",
        ),
        (TIMED + STAGED, "timing.interval: a table with lower and upper"),
        (TIMED + STAGED + "[timing.interval]\nlower = 1.1\nupper = 2", "0 < lower <= 1 <= upper"),
        (TIMED + STAGED + "[timing.interval]\nlower = 0.5\nupper = 2", "interval.coverage: a number"),
        (
            TIMED
            + "[timing.cycles_per_instruction]\nvalue = 1\nlower = 2\nupper = 3\nunit = 'cycle per instruction'",
            "0 < lower <= value <= upper",
        ),
        (
            TIMED + "[[timing.rooflines]]\nunit = 'cycle'",
            "rooflines[0].unit: 'cycle' isn't one of cycle per count",
        ),
        (TIMED + "[[timing.rooflines]]\nunit = 'cycle per count'", "rooflines[0].kernels"),
        (TIMED + "skips_zero_filters = 1", "skips_zero_filters: true or false is required"),
        (TIMED + STAGED + "[[timing.rooflines]]\nunit = 'cycle per count'", "not both"),
        (
            MINIMAL + "[timing]\nengine = 'e'\nsource = 's'\n[timing.cycles_per_instruction]\nvalue = 1",
            "needs the name of a core's instruction counts",
        ),
        (
            MINIMAL + "[timing]\ninstructions = 'cortex-m9'\nengine = 'e'\nsource = 's'",
            "no instruction counts for 'cortex-m9'",
        ),
    ],
)
def test_bad_files(write, text: str, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TargetError, match=re.escape(says)) as caught:
        targets.load(write(text))
    assert "mine" in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(TargetError, match="target file"):
            targets.load(path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="target file"):
        targets.load(binary)
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(TargetError, match="larger than"):
        targets.load(large)
