"""Users' own checks with the real Deequ, in `.venv-spark35`: `make test-spark35` runs these."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourglass.capture.hooks import Script
from hourglass.constraints import Verdict, parse_baseline
from hourglass.dataset import Dataset
from hourglass.demo.census import TRAINING, read_census
from hourglass.errors import EnvironmentFault, HookError, InputError
from hourglass.spark import own_checks
from hourglass.spark.own_checks import load_own_checks, run_own_checks
from hourglass.statistics import STATISTICS
from tests.engine import capture_line, check_outputs, read, run, write_hour
from tests.spark.flat import flat

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).parents[2]
COLUMNS = ("age", "workclass", "capital_gain", "native_country")
IMPORTS = """
from pydeequ.analyzers import ApproxCountDistinct, Completeness, Mean, Size
from pydeequ.checks import Check, CheckLevel
"""


@pytest.fixture(scope="module")
def census(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[DataFrame, Dataset]:
    """3,000 rows of UCI Adult, of which some lack the workclass or the country."""
    rows, _ = read_census(TRAINING)
    path = tmp_path_factory.mktemp("census") / "census.csv"
    lines = [",".join("" if row[name] is None else str(row[name]) for name in COLUMNS) for row in rows[:3000]]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n")
    return flat(spark, path, '{"csv": {"header": true}}')


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Script]:
    """A user's file with pydeequ's names imported."""

    def write(text: str) -> Script:
        (tmp_path / "own.py").write_text(IMPORTS + text)
        return Script.read(str(tmp_path / "own.py"))

    return write


def test_passed_and_failed_constraints_become_evaluations(
    spark: SparkSession, census: tuple[DataFrame, Dataset], script: Callable[[str], Script]
) -> None:
    """With the measured value, Deequ's own sentence, and the user's words."""
    own = script("""
def checks(spark):
    return [
        Check(spark, CheckLevel.Error, "people").hasSize(lambda n: n == 3000).isComplete("workclass"),
        Check(spark, CheckLevel.Warning, "adults").hasMin("age", lambda age: age >= 21),
    ]
""")
    evaluations, metrics = run_own_checks(spark, census[0], load_own_checks(own))
    assert metrics == []
    assert [(e.feature, e.check, e.verdict) for e in evaluations] == [
        ("", "own_check", Verdict.PASS),
        ("workclass", "own_check", Verdict.VIOLATION),
        ("age", "own_check", Verdict.VIOLATION),
    ]
    size, complete, least = evaluations
    assert (size.value, size.description, size.definition) == (3000.0, "", "people: SizeConstraint(Size(None))")
    assert complete.value == pytest.approx(STATISTICS["completeness"].function(census[1].columns["workclass"]))
    sentence = f"Value: {complete.value} does not meet the constraint requirement!"
    assert complete.description == f"people: CompletenessConstraint(Completeness(workclass,None,None)): {sentence}"
    assert least.value == 17.0
    assert least.definition.startswith("adults (warning): Minimum")


def test_an_analyzers_value_is_our_own_statistic(
    spark: SparkSession, census: tuple[DataFrame, Dataset], script: Callable[[str], Script]
) -> None:
    """Completeness and mean to the last digits; the count of distinct values within three errors of Spark's sketch, of 5 %."""
    own = script("""
def analyzers(spark):
    return [Completeness("native_country"), Mean("capital_gain"), ApproxCountDistinct("native_country"), Size(), Mean("gone")]
""")
    evaluations, metrics = run_own_checks(spark, census[0], load_own_checks(own))
    assert evaluations == []
    columns = census[1].columns
    found = {(row["name"], row["instance"]): row["value"] for row in metrics}
    assert found["Completeness", "native_country"] == pytest.approx(STATISTICS["completeness"].function(columns["native_country"]))
    assert found["Mean", "capital_gain"] == pytest.approx(STATISTICS["mean"].function(columns["capital_gain"]))
    assert found["ApproxCountDistinct", "native_country"] == pytest.approx(
        STATISTICS["distinct_count"].function(columns["native_country"]), rel=0.15
    )
    assert found["Size", "*"] == 3000
    failed = next(row for row in metrics if row["instance"] == "gone")
    assert failed == {
        "entity": "Column",
        "instance": "gone",
        "name": "Mean",
        "value": None,
        "error": "Input data does not include column gone!",
    }


def test_what_cannot_be_computed_is_not_taken_for_a_pass(spark: SparkSession, script: Callable[[str], Script]) -> None:
    """A lost column is a violation, as is an expression that Spark cannot resolve; a column without values is insufficient data."""
    frame = spark.createDataFrame([(1, None), (2, None)], "age long, empty double")
    own = load_own_checks(
        script("""
def checks(spark):
    return [Check(spark, CheckLevel.Error, "c").isComplete("lost").hasMean("empty", lambda mean: mean > 1)]
""")
    )
    (lost, empty), _ = run_own_checks(spark, frame, own)
    assert (lost.verdict, lost.value) == (Verdict.VIOLATION, None)
    assert lost.description.endswith("Input data does not include column lost!")
    assert (empty.verdict, empty.feature) == (Verdict.INSUFFICIENT, "empty")
    own = load_own_checks(
        script("""
def checks(spark):
    return [Check(spark, CheckLevel.Error, "c").satisfies("agee > 3", "old enough")]
""")
    )
    ((unresolved,), _) = run_own_checks(spark, frame, own)
    assert unresolved.verdict is Verdict.VIOLATION
    assert "agee" in unresolved.description
    assert "\n" not in unresolved.description


def test_a_name_with_dots_is_written_in_backticks(spark: SparkSession, script: Callable[[str], Script]) -> None:
    """As JSON payloads give; the feature is called by its plain name."""
    frame = spark.createDataFrame([(1,), (3,)], "`a.b[0]` long")
    own = load_own_checks(
        script("""
def checks(spark):
    return [Check(spark, CheckLevel.Error, "c").hasMin("`a.b[0]`", lambda least: least > 1)]
""")
    )
    ((least,), _) = run_own_checks(spark, frame, own)
    assert (least.feature, least.value, least.verdict) == ("a.b[0]", 1.0, Verdict.VIOLATION)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def checks(spark):\n    return [1 / 0]\n", ["checks of ", "line 5, in checks", "ZeroDivisionError"]),
        ("def checks(spark):\n    raise SystemExit(0)\n", ["checks of ", "SystemExit"]),
        ("def checks(spark):\n    return [Mean('age')]\n", ["a Mean in the list", "a list of pydeequ's checks"]),
        ("def analyzers(spark):\n    return Mean('age')\n", ["a Mean", "a list of pydeequ's analyzers"]),
        (
            "def checks(spark):\n    return [Check(spark, CheckLevel.Error, 'sizes').hasSize(lambda n: n / 0 > 1)]\n",
            ["assertion of sizes: SizeConstraint", "Traceback", "line 5, in <lambda>", "n / 0 > 1", "ZeroDivisionError"],
        ),
    ],
    ids=["raises", "exits", "no check", "no list", "assertion raises"],
)
def test_a_mistake_in_the_users_file_is_told_in_its_own_words(
    spark: SparkSession, script: Callable[[str], Script], text: str, words: list[str]
) -> None:
    """With the user's traceback and none of ours, pydeequ's or py4j's; the next run on the session is as good as the first."""
    own = script(text)
    with pytest.raises(HookError) as caught:
        run_own_checks(spark, spark.range(3), load_own_checks(own))
    sentence = str(caught.value)
    assert [word for word in words if word not in sentence] == []
    assert [name for name in ("own_checks.py", "py4j", "scala_utils") if name in sentence] == []
    good = script("def checks(spark):\n    return [Check(spark, CheckLevel.Error, 'sizes').hasSize(lambda n: n == 3)]\n")
    ((size,), _) = run_own_checks(spark, spark.range(3), load_own_checks(good))
    assert size.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def check(spark):\n    return []\n", ["neither function", "checks(spark), analyzers(spark), or both"]),
        ("import nothing_of_that_name\n", ["ModuleNotFoundError", "line 4", "a script that loads"]),
        ("def checks(:\n", ["SyntaxError"]),
    ],
    ids=["neither function", "import fails", "syntax"],
)
def test_a_file_that_cannot_be_used_is_found_out_without_a_session(script: Callable[[str], Script], text: str, words: list[str]) -> None:
    """Before any data are read."""
    with pytest.raises(HookError) as caught:
        load_own_checks(script(text))
    assert [word for word in words if word not in str(caught.value)] == []


def test_the_file_in_the_documentation_works(spark: SparkSession, tmp_path: Path) -> None:
    """docs/own-checks.md, on the columns that it names."""
    (tmp_path / "own.py").write_text(
        re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/own-checks.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    )
    columns = "age long, workclass string, capital_gain long, capital_loss long"
    frame = spark.createDataFrame([(20, "Private", 5, 0), (40, None, 0, 3)], columns)
    evaluations, metrics = run_own_checks(spark, frame, load_own_checks(Script.read(str(tmp_path / "own.py"))))
    assert [(e.feature, e.value, e.verdict.value) for e in evaluations] == [
        ("age", 1.0, "pass"),
        ("age", 20.0, "violation"),
        ("", 0.5, "violation"),
    ]
    assert [(row["name"], row["instance"], row["value"]) for row in metrics] == [("Mean", "age", 30.0), ("Completeness", "workclass", 0.5)]


def test_an_empty_list_is_no_mistake(spark: SparkSession, script: Callable[[str], Script]) -> None:
    """A file may have its checks commented out."""
    own = load_own_checks(script("def checks(spark):\n    return []\n\n\ndef analyzers(spark):\n    return []\n"))
    assert run_own_checks(spark, spark.range(3), own) == ([], [])


def test_the_session_is_left_as_it_was(spark: SparkSession, script: Callable[[str], Script]) -> None:
    """ANSI as it was, and no server left that would keep the process from ending."""
    own = load_own_checks(script("def checks(spark):\n    return [Check(spark, CheckLevel.Error, 'c').hasSize(lambda n: n == 3)]\n"))
    run_own_checks(spark, spark.range(3), own)
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    assert spark.sparkContext._gateway.get_callback_server() is None


def test_missing_pydeequ_and_a_wrong_spark_say_what_to_install(monkeypatch: pytest.MonkeyPatch, script: Callable[[str], Script]) -> None:
    """Found, expected, and the command."""
    own = script("def checks(spark):\n    return []\n")
    monkeypatch.setattr(own_checks.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        EnvironmentFault, match=r"found no pydeequ; expected pydeequ with Spark 3\.5\. Hint: pip install 'hourglass-monitor"
    ):
        load_own_checks(own)


JOB = """
import sys
from hourglass.capture.hooks import Script
from hourglass.spark.own_checks import load_own_checks, run_own_checks
from hourglass.spark.session import start_session
spark = start_session("own", {"spark.jars": sys.argv[2]} if len(sys.argv) > 2 else {})
try:
    print(run_own_checks(spark, spark.range(3), load_own_checks(Script.read(sys.argv[1]))))
except Exception as fault:
    print(type(fault).__name__, fault)
"""


def job(script: Script, *jar: str) -> subprocess.CompletedProcess[str]:
    """A process of its own that runs the checks and returns from main."""
    environment: dict[str, Any] = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)
    command = [sys.executable, "-c", JOB, script.path, *jar]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=90)


def test_the_process_ends_and_prints_nothing_of_pydeequs(script: Callable[[str], Script]) -> None:
    """Its callback server would keep it alive, and its greeting would spoil `--json`; the session is not even stopped."""
    own = script("def checks(spark):\n    return [Check(spark, CheckLevel.Error, 'c').hasSize(lambda n: n == 3)]\n")
    done = job(own, str(Path(sys.prefix, "deequ.jar")))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("([Evaluation(feature='', check='own_check'")
    assert len(done.stdout.splitlines()) == 1


def test_a_session_without_the_jar_says_so(script: Callable[[str], Script]) -> None:
    """In place of pydeequ's "'JavaPackage' object is not callable"."""
    done = job(script("def checks(spark):\n    return []\n"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "EnvironmentFault Deequ's jar: found not on Spark's class path; expected com.amazon.deequ:deequ:2.0.7-spark-3.5"
    )


def test_own_checks_are_part_of_a_run(script: Callable[[str], Script], tmp_path: Path) -> None:
    """The command with a file of checks and analyzers: failed constraints among the violations, metrics among the statistics."""
    lines = [capture_line("1", f"{row % 50},{'red' if row % 3 else ''}") for row in range(300)]
    write_hour(tmp_path / "capture", "2026/11/21/09", lines)
    own = script(
        "def checks(spark):\n"
        "    return [Check(spark, CheckLevel.Error, 'colours').isComplete('_c2').hasMax('_c1', lambda most: most < 50)]\n"
        "def analyzers(spark):\n"
        "    return [Completeness('_c2'), Mean('_c1')]\n"
    )
    where = ["--dataset-source", str(tmp_path / "capture"), "--output-path", str(tmp_path / "out"), "--require-data"]
    command = [sys.executable, "-c", "from hourglass.cli import main; main()", "data-quality", *where]
    command += ["--own-checks", own.path, "--deequ-jar", str(Path(sys.prefix, "deequ.jar"))]
    environment: dict[str, Any] = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    check_outputs(tmp_path / "out", suggested=True)
    (violation,) = read(tmp_path / "out" / "constraint_violations.json")["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("_c2", "own_check")
    metrics = {(row["instance"], row["name"]): row["value"] for row in read(tmp_path / "out" / "statistics.json")["deequ_metrics"]}
    assert metrics == {("_c1", "Mean"): 24.5, ("_c2", "Completeness"): pytest.approx(2 / 3)}
    own_checks_found = [e for e in read(tmp_path / "out" / "evaluation.json")["evaluations"] if e["check"] == "own_check"]
    assert [(e["feature"], e["verdict"]) for e in own_checks_found] == [("_c2", "violation"), ("_c1", "pass")]


def test_a_deequ_profile_stands_for_the_baselines_statistics() -> None:
    """The stock tooling's JSON with its KLL sketches, given as --baseline-statistics."""
    baseline = parse_baseline(None, (ROOT / "tests" / "data" / "deequ" / "profile.json").read_bytes())
    assert any(found.sketch is not None for found in baseline.distributions.values())
    assert all(feature.inferred_type for feature in baseline.features.values())


def test_a_profile_alone_gives_positions_no_names(tmp_path: Path) -> None:
    """A profile's columns are in no order: captures in CSV, whose columns go by position, need constraints beside it."""
    write_hour(tmp_path / "capture", "2026/11/21/09", [capture_line("1", "2,3")])
    with pytest.raises(InputError, match="whose columns are in no order"):
        run(tmp_path / "out", dataset_source=tmp_path / "capture", baseline_statistics=ROOT / "tests" / "data" / "deequ" / "profile.json")
