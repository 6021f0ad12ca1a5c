"""What a session is told when users' own checks are asked for."""

from __future__ import annotations

import pytest

from hourglass.errors import EnvironmentFault
from hourglass.spark import session
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
