"""What an endpoint is sent, and how its answer is read: SageMaker Clarify's templates, paths and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hourglass.errors import InputError, ModelError
from hourglass.models import Predictor, Rows
from hourglass.models.answers import decoder
from hourglass.models.bodies import encoder

ROWS = Rows(("A", "B"), np.array([[0.0, 1.0], [3.5, np.nan]]), {"B": ("$features", 'say "x", y')})
JSON, LINES = "application/json", "application/jsonlines"


def sent(rows: Rows = ROWS, **settings: Any) -> str:
    return encoder(Predictor("http://host", **settings))[0](rows).decode()


def test_csv_is_a_line_a_row_without_a_header() -> None:
    """Quotes where they are needed, nothing for a missing value."""
    assert sent() == '0,"say ""x"", y"\n3.5,'
    assert sent(ROWS[:1], content_type="text/csv; charset=utf-8") == '0,"say ""x"", y"'
    assert sent(Rows(("A",), np.array([[1.0], [2.0]]), {})) == "1\n2"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"content_type": LINES, "content_template": '{"myfeatures":$features}'},
            '{"myfeatures":[0,"$features"]}\n{"myfeatures":[3.5,null]}',
        ),
        ({"content_type": LINES, "content_template": "$features_kvp"}, '{"A":0,"B":"$features"}\n{"A":3.5,"B":null}'),
        ({"content_type": LINES, "content_template": '{"a":"${A}","b":[${B}]}'}, '{"a":0,"b":["$features"]}\n{"a":3.5,"b":[null]}'),
        (
            {"content_type": JSON, "content_template": '{"instances":$records}', "record_template": "$features"},
            '{"instances":[[0,"$features"],[3.5,null]]}',
        ),
        (
            {"content_type": JSON, "content_template": "$records", "record_template": "$features_kvp"},
            '[{"A":0,"B":"$features"},{"A":3.5,"B":null}]',
        ),
        (
            {"content_type": JSON, "content_template": "$records", "record_template": '{"x":"${B}"}'},
            '[{"x":"$features"},{"x":null}]',
        ),
        (
            {"content_type": JSON, "content_template": "$records", "record_template": '{"n":$feature_names,"v":$features}'},
            '[{"n":["A","B"],"v":[0,"$features"]},{"n":["A","B"],"v":[3.5,null]}]',
        ),
    ],
)
def test_templates_are_filled_as_clarify_fills_them(settings: dict[str, str], expected: str) -> None:
    """Each placeholder once: a text that looks like one is a text."""
    places = np.array([[0.0, 0.0], [3.5, np.nan]])
    assert sent(Rows(ROWS.names, places, ROWS.texts), **settings) == expected


def test_a_template_of_one_record_takes_one_row_a_call() -> None:
    """`$record` and not `$records`."""
    one = Predictor("http://host", content_type=JSON, content_template='{"row":$record}', record_template="$features", batch_rows=7)
    encode, batch = encoder(one)
    assert (encode(ROWS[1:]), batch) == (b'{"row":[3.5,null]}', 1)
    assert encoder(Predictor("http://host", batch_rows=7))[1] == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"content_type": "text/cvs"}, r"content_type: found 'text/cvs'; expected text/csv, .*Hint: did you mean text/csv\?"),
        ({"content_type": LINES}, "content_template: found nothing; expected JSON with placeholders, such as "),
        (
            {"content_type": LINES, "content_template": '{"x":$records}'},
            r"content_template: found '.*'; expected \$feature_names, \$features",
        ),
        ({"content_type": LINES, "content_template": "{}"}, "content_template: found '{}'; expected"),
        (
            {"content_type": JSON, "content_template": "$features"},
            r"content_template: found '\$features'; expected \$record, \$records. Hint",
        ),
        ({"content_type": JSON, "content_template": "${A}"}, r"content_template: found '\$\{A\}'; expected \$record, \$records. Hint"),
        ({"content_type": JSON, "content_template": "$records"}, "record_template: found nothing; expected"),
    ],
)
def test_a_template_that_cannot_be_filled_is_told_before_any_call(settings: dict[str, str], message: str) -> None:
    """With an example of one that can."""
    with pytest.raises(InputError, match=message):
        encoder(Predictor("http://host", **settings))


def test_a_template_with_a_name_that_is_no_feature_is_told() -> None:
    """With the feature that was meant."""
    with pytest.raises(InputError, match=r"content_template: found \$\{Age\}; expected a feature: age. Hint: did you mean age\?"):
        sent(Rows(("age",), np.ones((1, 1)), {}), content_type=LINES, content_template='["${Age}"]')


@pytest.mark.parametrize(
    ("settings", "body", "scores"),
    [
        ({}, "0.5\n0.25\n", ["0.5", "0.25"]),
        ({}, "0.5,0.5\n\n0.25,0.75", [["0.5", "0.5"], ["0.25", "0.75"]]),
        ({"label": "0"}, "0.5,yes\n0.25,no", ["0.5", "0.25"]),
        ({"label": "0", "probability": "1"}, "yes,0.5\nno,0.25", ["0.5", "0.25"]),
        ({"probability": "score"}, "label,score\nyes,0.5\nno,0.25", ["0.5", "0.25"]),
        ({"probability": "1"}, 'a,"[0.1, 0.9]"\nb,"[0.2, 0.8]"', [[0.1, 0.9], [0.2, 0.8]]),
        ({"accept_type": LINES, "probability": "score"}, '{"score":0.5}\n{"score":0.25}\n', [0.5, 0.25]),
        ({"accept_type": LINES}, "[0.1,0.9]\n[0.2,0.8]", [[0.1, 0.9], [0.2, 0.8]]),
        ({"accept_type": JSON, "probability": "predictions[*].score"}, '{"predictions":[{"score":0.5},{"score":0.25}]}', [0.5, 0.25]),
        ({"accept_type": JSON, "label": "p"}, '{"p":[[0.1,0.9],[0.2,0.8]]}', [[0.1, 0.9], [0.2, 0.8]]),
    ],
)
def test_scores_are_found_in_an_answer(settings: dict[str, str], body: str, scores: list[Any]) -> None:
    """In a column by number or name, or at a path; the probability before the label; several in a row are several outputs."""
    assert decoder(Predictor("http://host", **settings))(body.encode(), 2) == scores


@pytest.mark.parametrize(("body", "scores"), [("0.5", [0.5]), ("[0.5]", [0.5]), ("[[0.1,0.9]]", [[0.1, 0.9]]), ("[0.1,0.9]", [[0.1, 0.9]])])
def test_a_single_rows_scores_may_stand_alone(body: str, scores: list[Any]) -> None:
    """In JSON, where the request was of one record."""
    assert decoder(Predictor("http://host", accept_type=JSON))(body.encode(), 1) == scores


@pytest.mark.parametrize(
    ("settings", "body", "message"),
    [
        ({"accept_type": JSON, "label": "score"}, '{"scores":[1]}', r'found \{"scores":\[1\]\}; expected a score at the JMESPath score'),
        ({"accept_type": JSON}, "oops", "found 'oops'; expected JSON"),
        ({"accept_type": LINES}, "1\n{", "found '{'; expected JSON"),
        ({"probability": "1"}, "0.5,0.5\n0.5", "found the line '0.5'; expected a column 1, counted from 0"),
        ({"probability": "score"}, "a,b\n1,2", "found the header 'a,b'; expected a column score"),
        ({}, b"\xff", "expected text in UTF-8"),
    ],
)
def test_an_answer_without_scores_is_told_with_what_it_holds(settings: dict[str, str], body: str | bytes, message: str) -> None:
    """And where the score should be."""
    with pytest.raises(ModelError, match=f"answer of http://host: .*{message}"):
        decoder(Predictor("http://host", **settings))(body if isinstance(body, bytes) else body.encode(), 2)


def test_a_path_that_is_none_is_told_before_any_call() -> None:
    """With the setting that holds it."""
    with pytest.raises(InputError, match=r"probability: found 'a\['; expected a JMESPath"):
        decoder(Predictor("http://host", accept_type=JSON, probability="a["))
    with pytest.raises(InputError, match="accept_type: found 'text/html'; expected text/csv"):
        decoder(Predictor("http://host", accept_type="text/html"))
