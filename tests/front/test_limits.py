from __future__ import annotations

from fractions import Fraction

import pytest
from gonogo import Limits
from gonogo.errors import GonogoError, LimitError


def test_values_are_exact() -> None:
    limits = Limits(
        ram="128 KiB",
        flash="1 MB",
        flash_model="2 kB",
        latency="50 ms",
        energy="2 mJ",
        macs="5M",
        error="0.1",
    )
    assert {name: limit.value for name, limit in limits.items()} == {
        "ram": 131072,
        "flash": 10**6,
        "flash_model": 2000,
        "latency": Fraction(1, 20),
        "energy": Fraction(1, 500),
        "macs": 5 * 10**6,
        "error": Fraction(1, 10),
    }
    assert limits["ram"].text == "128 KiB"


def test_a_float_means_the_double_and_a_text_the_decimal() -> None:
    assert Limits(error=0.1)["error"].value == Fraction(0.1) != Limits(error="0.1")["error"].value


def test_command_line_form() -> None:
    assert Limits.parse(["ram=128KiB", " error = 0.1 "]) == dict(Limits(ram="128KiB", error="0.1"))
    with pytest.raises(LimitError, match="twice"):
        Limits.parse(["ram=1B", "ram=2B"])
    with pytest.raises(LimitError, match="name=value"):
        Limits.parse(["ram"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ram", "5 ms"),
        ("ram", 131072),
        ("ram", "128"),
        ("flash", 1.5),
        ("latency", "50"),
        ("latency", "50 KiB"),
        ("latency", 0.05),
        ("energy", "1 kJ"),
        ("error", "0.1 V"),
        ("error", "-0.1"),
        ("error", float("nan")),
        ("error", float("inf")),
        ("error", True),
        ("error", None),
        ("error", [0.1]),
        ("macs", "5 MB"),
        ("ram", "-1 KiB"),
        ("error", 10**400),
        ("memory", "1 KiB"),
    ],
)
def test_wrong_limits_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(LimitError, match=name) as caught:
        Limits(**{name: value})  # type: ignore[arg-type]
    assert isinstance(caught.value, (GonogoError, ValueError))


def test_what_callers_pass() -> None:
    limits = Limits(ram="1 KiB")
    assert Limits.of(limits) is limits
    assert len(Limits.of(None)) == 0
    assert Limits.of({"ram": "1 KiB"})["ram"].value == 1024
    with pytest.raises(LimitError, match="mapping"):
        Limits.of([("ram", "1 KiB")])  # type: ignore[arg-type]


def test_repr_can_be_read_back() -> None:
    limits = Limits(ram="1 KiB", error=0.25)
    assert dict(eval(repr(limits), {"Limits": Limits})) == dict(limits)
