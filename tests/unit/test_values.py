"""Values told apart: by patterns, whatever short cut is taken for plain numbers."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.values import BOOLEANS, FRACTIONAL, INFINITE, INTEGRAL, NOT_A_NUMBER, Values, classify

PLAIN = st.one_of(st.integers(-(10**18), 10**18).map(str), st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str))
ODD = st.one_of(
    st.text("0123456789.-+eE x", max_size=6),
    st.sampled_from(
        [*BOOLEANS, *NOT_A_NUMBER, *INFINITE, "", "9" * 400, "1e999", "- 5", "1.2.3", "--1", "-", ".", "0x1F", "1_0", "\u0661", "é"]
    ),
    st.floats().map(repr),
)
COLUMN = st.one_of(
    st.lists(PLAIN, max_size=20),
    st.lists(ODD, max_size=20),
    st.tuples(st.lists(PLAIN, min_size=10, max_size=20), st.lists(st.one_of(st.none(), ODD), max_size=2)).map(
        lambda parts: parts[0] + parts[1]
    ),
)


def expected_of(column: list[str | None]) -> dict[str, object]:
    """The classes by the patterns, one value at a time."""
    counts = dict.fromkeys(("missing", "nan", "infinite", "integral", "fractional", "boolean", "string"), 0)
    numbers: list[float] = []
    for text in column:
        kind = "string"
        if not text:
            kind = "missing"
        elif text in NOT_A_NUMBER:
            kind = "nan"
        elif text in INFINITE:
            kind = "infinite"
        elif text in BOOLEANS:
            kind = "boolean"
        elif re.fullmatch(INTEGRAL, text, re.ASCII) or re.fullmatch(FRACTIONAL, text, re.ASCII):
            number = float(text.replace(" ", ""))
            kind = "infinite" if np.isinf(number) else "integral" if re.fullmatch(INTEGRAL, text, re.ASCII) else "fractional"
            numbers += [] if np.isinf(number) else [number]
        counts[kind] += 1
        counts["missing"] += kind == "nan"
    return {**counts, "rows": len(column), "numbers": sorted(numbers)}


def found_in(values: Values) -> dict[str, object]:
    """What `classify` says, in the same form."""
    counts = {name: getattr(values, name) for name in ("rows", "missing", "nan", "infinite", "integral", "fractional", "boolean", "string")}
    return {**counts, "numbers": sorted(values.numbers.tolist())}


@settings(max_examples=600, deadline=None)
@given(COLUMN, st.integers(0, 2), st.randoms(use_true_random=False))
def test_text_is_classified_as_the_patterns_say(column: list[str | None], offset: int, random: object) -> None:
    """The short cuts for plain numbers never decide otherwise than the patterns, also in a part of an array."""
    random.shuffle(column)
    values = classify(pa.array(["zz"] * offset + column, pa.string())[offset:])
    assert found_in(values) == expected_of(column)
    assert int(values.text_counts.sum()) == values.boolean + values.string
    assert len(set(values.texts.to_pylist())) == len(values.texts)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text("ab1.", max_size=3)), max_size=20))
def test_objects_are_classified_by_their_type(column: list[object]) -> None:
    """Values from JSON keep their type; text is told apart as text is."""
    values = classify(column)
    assert values.rows == len(column)
    assert values.missing + values.infinite + values.integral + values.fractional + values.boolean + values.string == len(column)
    numbers = sum(type(value) in {int, float} and np.isfinite(float(value)) for value in column)
    assert len(values.numbers) >= numbers
    assert values.boolean >= sum(isinstance(value, bool) for value in column)


@pytest.mark.parametrize(
    ("array", "classes"),
    [
        pytest.param(pa.array([1, None, -3], pa.int8()), (1, 0, 0, 2, 0, 0, 0), id="int8"),
        pytest.param(pa.array([2**64 - 1], pa.uint64()), (0, 0, 0, 1, 0, 0, 0), id="uint64"),
        pytest.param(pa.array([0.5, float("nan"), float("-inf"), None], pa.float32()), (2, 1, 1, 0, 1, 0, 0), id="float32"),
        pytest.param(pa.array([0.5, None], pa.float16()), (1, 0, 0, 0, 1, 0, 0), id="float16"),
        pytest.param(pa.array(["1.50", None]).cast(pa.decimal128(5, 2)), (1, 0, 0, 0, 1, 0, 0), id="decimal"),
        pytest.param(pa.array([True, None, False]), (1, 0, 0, 0, 0, 2, 0), id="bool"),
        pytest.param(pa.nulls(2), (2, 0, 0, 0, 0, 0, 0), id="null"),
        pytest.param(pa.array(["1", "a", None]).dictionary_encode(), (1, 0, 0, 1, 0, 0, 1), id="dictionary"),
        pytest.param(pa.array(["1", "a", None], pa.large_string()), (1, 0, 0, 1, 0, 0, 1), id="large string"),
        pytest.param(pa.array(["1", "a"], pa.string_view()), (0, 0, 0, 1, 0, 0, 1), id="string view"),
        pytest.param(pa.array([b"1", b"\xff", None]), (1, 0, 0, 1, 0, 0, 1), id="binary"),
        pytest.param(pa.array([1, None], pa.timestamp("us")), (1, 0, 0, 0, 0, 0, 1), id="timestamp"),
        pytest.param(pa.array([1, None], pa.duration("us")), (1, 0, 0, 1, 0, 0, 0), id="duration"),
        pytest.param(pa.array([[1], None]), (1, 0, 0, 0, 0, 0, 1), id="list"),
        pytest.param(pa.array([{"a": b"x"}, None]), (1, 0, 0, 0, 0, 0, 1), id="struct"),
        pytest.param(pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())), (1, 0, 0, 0, 0, 0, 1), id="map"),
        pytest.param(pa.array([b"ab", b"\xff\xfe", None], pa.binary(2)), (1, 0, 0, 0, 0, 0, 2), id="fixed size binary"),
        pytest.param(pa.array([1, None], pa.time64("us")), (1, 0, 0, 0, 0, 0, 1), id="time"),
        pytest.param(pa.array(["1", None], pa.large_string()).dictionary_encode(), (1, 0, 0, 1, 0, 0, 0), id="large dictionary"),
        pytest.param(pa.array([], pa.string()), (0, 0, 0, 0, 0, 0, 0), id="empty"),
        pytest.param(pa.array([None, ""], pa.string()), (2, 0, 0, 0, 0, 0, 0), id="all missing"),
    ],
)
def test_arrow_columns_are_classified_by_their_type(array: pa.Array, classes: tuple[int, ...]) -> None:
    """Every type a Parquet file may have ends in a class."""
    values = classify(array)
    assert values.rows == len(array)
    assert all(isinstance(text, str) for text in values.texts.to_pylist())
    found = (values.missing, values.nan, values.infinite, values.integral, values.fractional, values.boolean, values.string)
    assert found == classes


def test_numbers_have_one_zero() -> None:
    """-0.0 and 0.0 are one distinct number."""
    values = classify(["-0.0", "0.0", "0", "-0", "5"])
    assert values.distinct_numbers.tolist() == [0.0, 5.0]
    assert values.number_counts.tolist() == [4, 1]
    assert len(set(values.number_hashes.tolist())) == 2
    assert not np.signbit(values.distinct_numbers).any()
