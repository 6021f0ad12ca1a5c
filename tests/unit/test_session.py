"""What a session is told when users' own checks are asked for, and what is said of workers that lack something."""

from __future__ import annotations

import pytest

from hourglass.errors import EnvironmentFault
from hourglass.spark import session
from hourglass.spark.one_pass import lacking_on_workers
from hourglass.spark.session import deequ_settings


def test_deequ_comes_by_its_coordinate_where_no_jar_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the 18 other jars that it asks for and Spark has."""
    monkeypatch.setattr(session, "spark_line", lambda: "3.5")
    assert deequ_settings() == {
        "spark.jars.packages": "com.amazon.deequ:deequ:2.0.7-spark-3.5",
        "spark.jars.excludes": "org.scalanlp:*,org.scala-lang:*",
    }


def test_another_spark_line_needs_a_jar_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found, expected, and two ways out."""
    monkeypatch.setattr(session, "spark_line", lambda: "4.1")
    with pytest.raises(
        EnvironmentFault, match=r"own checks: found Spark 4\.1; expected Spark 3\.5\. Hint: pip install .* or set deequ_jar"
    ):
        deequ_settings()
    assert deequ_settings("s3://bucket/deequ.jar") == {"spark.jars": "s3://bucket/deequ.jar"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "File pyspark.zip/pyspark/worker.py … ModuleNotFoundError: No module named 'orjson'\n",
            "found no package orjson; expected what `make packages` packs",
        ),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that in driver: 3.11, PySpark cannot run",
            "found 3.9, and 3.11 on the driver; expected one version",
        ),
        (
            "[PYTHON_VERSION_MISMATCH] Python in worker has different version 3.9 than that in driver 3.11, PySpark cannot run",
            "found 3.9, and 3.11 on the driver; expected one version",
        ),
        (
            'java.io.IOException: Cannot run program "/usr/bin/python3.11": error=2, No such file or directory',
            "found none as /usr/bin/python3.11; expected that of PYSPARK_PYTHON",
        ),
    ],
)
def test_what_workers_lack_is_said_in_a_sentence(text: str, sentence: str) -> None:
    """In both Spark lines' words."""
    assert str(lacking_on_workers(text)).startswith(f"Python on Spark's workers: {sentence}. Hint: docs/clusters.md")


def test_other_failures_of_a_job_are_left_as_they_are() -> None:
    """They are not the environment's."""
    assert lacking_on_workers("java.lang.OutOfMemoryError: Java heap space") is None
