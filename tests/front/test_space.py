"""Spaces: what is in them, held against plain enumeration and a three-valued reading of the conditions' texts."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import math
import pickle
from typing import Any

import gonogo as gg
import numpy as np
import pytest
from gonogo.errors import SpaceError
from gonogo.space import Choice, Comparison, Constant, Float, Int, Membership, Name, Space
from hypothesis import given
from hypothesis import strategies as st

NET = Space(
    layers=Int(1, 3),
    width=Int(8, 30, step=8),
    kind=Choice("conv", "dense"),
    kernel=Choice(3, 5, when="kind == 'conv'"),
    second=Int(1, 4, log=True, when="layers>=2 and not kernel==3"),
    decay=Float(1e-3, 1.0, log=True),
)


# ---- oracles


def truth(node: ast.expr, values: dict[str, Any]) -> bool | None:
    """Three-valued: None where a parameter looked at doesn't exist and nothing else decides."""
    if isinstance(node, ast.BoolOp):
        parts = [truth(part, values) for part in node.values]
        decides = isinstance(node.op, ast.Or)
        return decides if decides in parts else None if None in parts else not decides
    if isinstance(node, ast.UnaryOp):
        inner = truth(node.operand, values)
        return None if inner is None else not inner
    assert isinstance(node, ast.Compare)
    sides = [node.left, *node.comparators]
    links = []
    for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
        pair = ast.Expression(ast.fix_missing_locations(ast.Compare(left, [op], [right])))
        try:
            links.append(bool(eval(compile(pair, "condition", "eval"), {"__builtins__": {}}, values)))
        except NameError:
            links.append(None)
    return False if False in links else None if None in links else True


def configurations(space: Space) -> list[dict[str, Any]]:
    """All canonical configurations: the product of all values, without those that don't exist, each once."""
    found = {}
    for row in itertools.product(*(space[name].values for name in space.names)):
        values: dict[str, Any] = {}
        for name, value in zip(space.names, row, strict=True):
            when = space[name].when
            if when is None or truth(ast.parse(when, mode="eval").body, values) is True:
                values[name] = value
        found[tuple(values.items())] = values
    return list(found.values())


# ---- values


def test_whole_numbers() -> None:
    assert list(Int(8, 30, step=8).values) == [8, 16, 24]
    assert list(Int(-2, 1).values) == [-2, -1, 0, 1]
    assert Int(np.int64(3), 5) == Int(3, 5)
    with pytest.raises(AttributeError):
        Int(1, 2).lo = 0  # type: ignore[misc]


@pytest.mark.parametrize("value", [np.int8(16), np.int64(16), np.uint32(16), 16])
def test_numpy_s_integers_are_accepted_and_become_python_s(value: Any) -> None:
    found = Space(width=Int(8, 64, step=8)).check({"width": value})
    assert found == {"width": 16}
    assert type(found["width"]) is int


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (20, "20 isn't allowed; allowed is 8 to 24 in steps of 8; nearest are 16 and 24"),
        (30, "nearest is 24"),
        (7, "nearest is 8"),
        (-(10**30), "nearest is 8"),
        (16.0, "16.0 isn't a whole number"),
        (math.nan, "isn't a whole number"),
        (math.inf, "isn't a whole number"),
        (True, "True isn't a whole number"),
        ("16", "'16' isn't a whole number"),
        (None, "None isn't a whole number"),
    ],
)
def test_wrong_whole_numbers(value: Any, said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space(width=Int(8, 30, step=8)).check({"width": value})
    assert str(caught.value).startswith("parameter 'width': ")
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [1, 2.5, False, "a", None])
def test_a_choice_returns_what_was_declared(value: Any) -> None:
    found = Choice(1, 2.5, False, "a", None).canonical(value)
    assert found == value
    assert type(found) is type(value)


def test_in_a_choice_true_isn_t_one() -> None:
    assert Choice(1, 2).canonical(np.float32(2)) == 2
    assert Choice(True, False).canonical(np.bool_(False)) is False
    for choice, value in [
        (Choice(1, 2), True),
        (Choice(True, False), 1),
        (Choice("a"), "b"),
        (Choice(1), [1]),
    ]:
        with pytest.raises(SpaceError, match="isn't allowed"):
            choice.canonical(value)
    with pytest.raises(SpaceError, match="did you mean 'conv'"):
        Choice("conv", "dense").canonical("cnv")


def test_real_numbers() -> None:
    rate = Float(1e-3, 1, log=True)
    assert (rate.lo, rate.hi) == (0.001, 1.0)
    assert rate.canonical(np.float32(0.5)) == 0.5
    assert type(rate.canonical(1)) is float
    for value, said in [
        (2, "nearest is 1.0"),
        (0.0, "nearest is 0.001"),
        (math.nan, "isn't a number"),
        (True, "isn't"),
    ]:
        with pytest.raises(SpaceError, match=said):
            rate.canonical(value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Int(5, 4), "lo 5 is beyond hi 4"),
        (lambda: Int(1, 4, step=0), "step 0"),
        (lambda: Int(0, 4, log=True), "log=True needs lo >= 1"),
        (lambda: Int(1, 4, step=2, log=True), "Choice"),
        (lambda: Int(1.0, 4), "lo is 1.0"),
        (lambda: Int(1, True), "hi is True"),
        (lambda: Int(1, 2**60), "within"),
        (lambda: Int(1, 2, log=1), "log is 1"),
        (lambda: Int(1, 2, when=5), "when: int given"),
        (Choice, "no values"),
        (lambda: Choice([3, 5]), r"Choice\(\*values\)"),
        (lambda: Choice(1, 1.0), "1.0 is there twice"),
        (lambda: Choice(1, True), "True is there twice"),
        (lambda: Choice((3, 3), 5), "give each a name"),
        (lambda: Choice(math.nan), "finite"),
        (lambda: Float(2, 1), "lo 2.0 is beyond hi 1.0"),
        (lambda: Float(0, 1, log=True), "lo > 0"),
        (lambda: Float(0, math.inf), "hi is inf"),
        (Space, "no parameters"),
        (lambda: Space(width=8), "parameter 'width': int given; write an Int"),
        (lambda: Space(**{"a b": Int(1, 2)}), "a name is made of"),
        (lambda: Space(**{"if": Int(1, 2)}), "keyword"),
        (lambda: Space(_a=Int(1, 2)), "begins with a letter"),
    ],
)
def test_what_makes_no_space(make: Any, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        make()


# ---- conditions


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("layers ** 2 > 3", r"'layers \*\* 2' isn't known here; write comparisons"),
        ("f(layers)", r"'f\(layers\)'"),
        ("layers.real > 1", "'layers.real'"),
        ("layers is 2", "compared by 'is'"),
        ("1 < 2", "another constant"),
        ("layers in width", "'width' can't be looked in"),
        ("layers >=", "can't be read"),
        ("", "can't be read"),
        ("(" * 5000, "can't be read"),
        ("layers > 1e999", "isn't finite"),
        ("layers == -True", "has no sign"),
        ("lambda: 1", "isn't known here"),
        (
            "depth > 1",
            "'depth' isn't a parameter declared before it; it may look at: layers, kind, flag, rate",
        ),
        ("later > 1", "'later' isn't a parameter declared before it"),
        ("self > 1", "'self' isn't a parameter"),
        ("this > 1", "'this' is the parameter itself"),
        ("layers == 7", "'layers' is never 7: 7 isn't allowed; allowed is 1 to 3; nearest is 3"),
        ("kind == 'cnv'", "'kind' is never 'cnv'.*did you mean 'conv'"),
        ("layers in (1, 9)", "'layers' is never 9"),
        ("layers > 'a'", "'a' with >; only numbers are ordered"),
        ("kind > layers", "'kind' can be 'conv', and only numbers are ordered"),
        ("flag > 0", "'flag' can be True"),
        ("layers > True", "True with >"),
        ("layers", "'layers' is never True"),
        ("rate > 0.5", "'rate' is a Float"),
    ],
)
def test_wrong_conditions(when: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        Space(
            layers=Int(1, 3),
            kind=Choice("conv", "dense"),
            flag=Choice(True, False),
            rate=Float(0, 1),
            this=Int(1, 2, when=when),
            later=Int(1, 2),
        )


def test_the_tree() -> None:
    assert (
        Int(1, 2, when="not (a<2 or b in (1, 'x'))").condition
        == Int(1, 2, when="a >= 2 and b not in [1, 'x']").condition
    )
    assert Int(1, 2, when="a<2").condition == Comparison(Name("a"), "<", Constant(2))
    assert Int(1, 2, when="a<2").when == "a < 2"
    assert Int(1, 2, when="a not in (-1,)").condition == Membership(Name("a"), (-1,), True)
    assert Int(1, 2, when="not a").condition == Comparison(Name("a"), "==", Constant(False))


def test_what_looks_at_an_absent_parameter_doesn_t_hold_and_its_opposite_neither() -> None:
    for when, there in [
        ("b == 1", False),
        ("b != 1", False),
        ("not b == 1", False),
        ("b == 1 or a == 2", True),
    ]:
        space = Space(a=Int(1, 2), b=Int(1, 2, when="a == 1"), c=Int(1, 2, when=when))
        assert ("c" in space.active({"a": 2, "b": 1, "c": 1})) == there, when


def test_a_bool_is_a_condition() -> None:
    space = Space(flag=Choice(True, False), a=Int(1, 5, when="flag"), b=Int(1, 7, when="not flag"))
    assert space.size == 12
    assert space.active({"flag": False, "b": 3}) == ("flag", "b")


# ---- configurations


def test_canonical_form() -> None:
    config = {"decay": 1, "kernel": 5, "kind": "conv", "width": np.int64(8), "layers": 2, "second": 3}
    assert list(NET.check(config).items()) == [
        ("layers", 2),
        ("width", 8),
        ("kind", "conv"),
        ("kernel", 5),
        ("second", 3),
        ("decay", 1.0),
    ]
    # dropped silently, whatever they say
    assert NET.active({**config, "kind": "dense", "kernel": 99}) == ("layers", "width", "kind", "decay")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"layers": 1}, "parameter 'width' is missing; it is Int(8, 30, step=8)"),
        (
            {"layers": 1, "width": 8, "kind": "conv", "decay": 1.0},
            "parameter 'kernel' is missing; it is Choice(3, 5, when=\"kind == 'conv'\")",
        ),
        (
            {"layers": 1, "width": 8, "kind": "dense", "decay": 1.0, "widht": 8},
            "no parameter is called 'widht'; did you mean 'width'?",
        ),
        (
            {"layers": 1, "width": 8, "kind": "dense", "decay": 1.0, 5: 8},
            "no parameter is called 5; there are: layers",
        ),
        ([1, 2], "configuration: list given"),
    ],
)
def test_wrong_configurations(config: Any, said: str) -> None:
    with pytest.raises(SpaceError) as caught:
        NET.check(config)
    assert said in str(caught.value)


def test_errors_are_gonogo_s_and_value_errors() -> None:
    assert issubclass(SpaceError, gg.GonogoError)
    assert issubclass(SpaceError, ValueError)
    with pytest.raises(SpaceError, match="no parameter is called 'with'"):
        NET["with"]


# ---- counting and enumerating


def texts(names: list[str]) -> st.SearchStrategy[str]:
    numbers = st.integers(0, 3).map(str)
    leaf = st.one_of(
        st.tuples(st.sampled_from(names), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(
            " ".join
        ),
        st.tuples(st.sampled_from(names), st.sampled_from(["<", "==", "!="]), st.sampled_from(names)).map(
            " ".join
        ),
        st.tuples(st.sampled_from(names), st.sampled_from(["in", "not in"]), st.just("(0, 2)")).map(" ".join),
        st.tuples(numbers, st.just("<"), st.sampled_from(names), st.just("<="), numbers).map(" ".join),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
        ),
        max_leaves=4,
    )


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    found: dict[str, Any] = {}
    for name in "abcde":
        when = draw(st.none() | texts(list(found))) if found else None
        found[name] = draw(
            st.sampled_from(
                [Int(0, 3, when=when), Choice(0, 1, 2, 3, when=when), Choice(3, 2, 1, 0, when=when)]
            )
        )
    return Space(**found)


@given(spaces())
def test_size_and_enumeration_agree_with_plain_enumeration(space: Space) -> None:
    expected = configurations(space)
    found = list(space.enumerate())
    assert space.size == len(expected) == len(found)
    assert found == expected
    assert [list(config) for config in found] == [list(config) for config in expected]
    for config in found[:: max(1, len(found) // 20)]:
        assert space.check(config) == config
    assert Space.from_json(space.to_json()) == space


def test_size_of_large_spaces_is_exact() -> None:
    assert Space(**{f"p{i}": Int(1, 10**6) for i in range(40)}).size == 10**240
    gated = {"n": Int(1, 10**9)} | {f"p{i}": Int(1, 7, when=f"n >= {i}") for i in range(2, 12)}
    counted = sum(7**k for k in range(10)) + (10**9 - 10) * 7**10
    assert Space(**gated).size == counted
    many: dict[str, Any] = {}
    for i in range(30):
        many |= {f"f{i}": Choice(True, False), f"w{i}": Int(1, 4, when=f"f{i}")}
    assert Space(**many).size == 5**30


def test_a_float_isn_t_counted_and_can_t_be_enumerated() -> None:
    assert (
        NET.size == 3 * 3 * (1 + 2) + 2 * 3 * 3
    )  # and where `second` exists (layers 2 and 3, kernel 5), 3 more
    with pytest.raises(SpaceError, match="'decay' is a Float"):
        NET.enumerate()


# ---- samples


def test_samples_are_canonical_reproducible_and_reach_everything() -> None:
    space = Space(a=Int(1, 3), b=Choice("x", "y", when="a > 1"), c=Int(1, 8, log=True))
    found = space.sample(np.random.default_rng(0), 2000)
    assert all(space.check(config) == config for config in found)
    assert found == space.sample(np.random.default_rng(0), 2000)
    assert {tuple(c.items()) for c in found} == {tuple(c.items()) for c in space.enumerate()}


def test_samples_are_uniform_or_log_uniform() -> None:
    n = 200_000
    space = Space(a=Int(10, 18, step=2), b=Int(1, 64, log=True), c=Float(1e-4, 1.0, log=True), d=Float(-1, 3))
    columns = {name: np.array([c[name] for c in space.sample(np.random.default_rng(1), n)]) for name in space}
    shares = [np.mean(columns["a"] == v) for v in (10, 12, 14, 16, 18)]
    assert np.allclose(shares, 0.2, atol=0.005)
    for value in (1, 2, 7, 64):  # the share of [value - 1/2, value + 1/2] on the logarithmic scale
        share = math.log((value + 0.5) / (value - 0.5)) / math.log(64.5 / 0.5)
        assert abs(np.mean(columns["b"] == value) - share) < 5 * math.sqrt(share / n)
    assert abs(np.mean(columns["c"] < 1e-2) - 0.5) < 0.006
    assert abs(np.mean(columns["d"]) - 1.0) < 0.02


# ---- in and out


def test_json_and_hash() -> None:
    text = NET.to_json()
    again = Space.from_json(text)
    assert again == NET
    assert again.names == NET.names
    assert again.to_json() == text
    assert NET.hash == hashlib.sha256(text.encode()).hexdigest()
    others = [
        Space(a=Int(1, 2), b=Int(1, 2)),
        Space(b=Int(1, 2), a=Int(1, 2)),
        Space(a=Int(1, 2), b=Choice(1, 2)),
        Space(a=Int(1, 2), b=Int(1, 2, used=False)),
        Space(a=Int(1, 2), b=Int(1, 2, when="a == 1")),
        Space(a=Int(1, 2), b=Choice(1.0, 2)),
    ]
    assert len({space.hash for space in others}) == len(others)
    assert Space(a=Int(1, 2), b=Int(1, 2, when="a==1")).hash == others[4].hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not of format"),
        ('{"format": "gonogo-space-1", "parameters": [5]}', "needs a name and a kind"),
        (
            '{"format": "gonogo-space-1", "parameters": [{"name": "a", "kind": "int"}]}',
            "missing or unknown: hi",
        ),
        ('{"format": "gonogo-space-1", "parameters": []}', "no parameters"),
    ],
)
def test_wrong_json(text: str, said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        Space.from_json(text)


def test_json_of_a_space_that_contradicts_itself() -> None:
    read = json.loads(NET.to_json())
    read["parameters"][0]["lo"] = 9
    with pytest.raises(SpaceError, match="lo 9 is beyond hi 3"):
        Space.from_json(json.dumps(read))
    read = json.loads(NET.to_json())
    read["parameters"].append(read["parameters"][0])
    with pytest.raises(SpaceError, match="'layers' is there twice"):
        Space.from_json(json.dumps(read))


def test_pickling_equality_and_text() -> None:
    again = pickle.loads(pickle.dumps(NET))
    assert again == NET
    assert hash(again) == hash(NET)
    assert again.hash == NET.hash
    names = {"Space": Space, "Int": Int, "Choice": Choice, "Float": Float}
    assert eval(repr(NET), names) == NET
    assert repr(Space(a=Int(1, 4, log=True, used=False))) == "Space(a=Int(1, 4, log=True, used=False))"
    assert NET.parameters["width"] == NET["width"] == Int(8, 30, step=8)
    with pytest.raises(TypeError):
        NET.parameters["width"] = Int(1, 2)  # type: ignore[index]
