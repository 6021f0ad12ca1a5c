"""The Spark session: made by an entry point, passed in to everything else."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from hourglass.errors import EnvironmentFault
from hourglass.processes import ONE_THREAD, killed_first
from hourglass.spark.exhausted import exhausted
from hourglass.stages import stage
from hourglass.stopping import stopped_before

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLDEST_JAVA, NEWEST_JAVA = 17, 21
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")

SETTINGS = {
    # times in data and reports are UTC whatever the machine's zone
    "spark.sql.session.timeZone": "UTC",
    # wrong casts fail instead of turning into nulls; the default differs between Spark 3.5 and 4.1
    "spark.sql.ansi.enabled": "true",
    # a job of minutes needs no web page, and a container no open port
    "spark.ui.enabled": "false",
    # a progress bar of Spark's would be drawn over ours
    "spark.ui.showConsoleProgress": "false",
    # the rows of states are few and large; a batch of 10,000 of them would not fit the worker
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    # states of thousands of columns come back to the driver
    "spark.driver.maxResultSize": "0",
}

# where S3 is: what the driver's environment says holds for its executors, whose machines may know nothing of it.
# Credentials stay where they are, for settings show in event logs
_FOR_EXECUTORS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION")

# Maven coordinates by Spark line. Deequ for 4.1 exists and is untested: a jar that is named is taken there too.
DEEQU = {"3.5": "com.amazon.deequ:deequ:2.0.7-spark-3.5"}
# what Deequ asks for and Spark has itself; without them one jar of 1.5 MB is fetched, with them 19 of 34 MB
_SPARK_HAS = "org.scalanlp:*,org.scala-lang:*"


def spark_line() -> str:
    """The line of the installed Spark, such as 3.5."""
    import pyspark

    return ".".join(pyspark.__version__.split(".")[:2])


def deequ_settings(jar: str | None = None) -> dict[str, str]:
    """The settings that put Deequ on the class path of a session that is to be started.

    From a jar's path or URI, or from Maven Central, where Spark fetches it once and keeps it in the home folder.

    >>> deequ_settings("/opt/deequ.jar")
    {'spark.jars': '/opt/deequ.jar'}
    """
    if jar is not None:
        return {"spark.jars": jar}
    line = spark_line()
    if line not in DEEQU:
        hint = "pip install 'pyspark==3.5.*', or set deequ_jar to a jar of Deequ for this line, which is untested"
        raise EnvironmentFault("own checks", found=f"Spark {line}", expected="Spark " + " or ".join(DEEQU), hint=hint)
    return {"spark.jars.packages": DEEQU[line], "spark.jars.excludes": _SPARK_HAS}


@stage("engine")
def start_session(name: str, more: Mapping[str, str] = MappingProxyType({})) -> SparkSession:
    """A session with our settings and `more`: local unless spark-submit or a cluster's configuration says otherwise."""
    need_java()
    # threads of libraries would fight with Spark's tasks for the cores; workers inherit this
    for variable, value in ONE_THREAD.items():
        os.environ.setdefault(variable, value)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName(name)
    for key, value in {**SETTINGS, **more}.items():
        builder = builder.config(key, value)
    if "SPARK_MASTER" in os.environ or "PYSPARK_GATEWAY_PORT" in os.environ:
        for key, value in _executors_environment().items():
            builder = builder.config(key, value)
    if "SPARK_MASTER" in os.environ:
        builder = builder.master(os.environ["SPARK_MASTER"])
    elif "PYSPARK_GATEWAY_PORT" not in os.environ and "SPARK_REMOTE" not in os.environ:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # else Spark looks the host's name up, and warns
        builder = builder.config("spark.driver.extraJavaOptions", f"-Dlog4j2.configurationFile={LOG_SETTINGS}")
        builder = builder.master("local[*]").config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        # local[*] runs the tasks in the driver's own JVM
        builder = builder.config("spark.driver.memory", os.environ.get("SPARK_DRIVER_MEMORY", "2g"))
    return builder.getOrCreate()


@contextmanager
def running_session(name: str, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[SparkSession]:
    """A session that ends with the block; where Java or a worker ran out of memory or disk, that is the failure."""
    session = None
    try:
        with killed_first():
            session = start_session(name, more)
        yield session
    except Exception as fault:
        if (reason := stopped_before(fault) or exhausted(fault)) is None:
            raise
        raise reason from fault
    finally:
        if session is not None:
            with suppress(Exception):  # a Java that is dead cannot be stopped
                session.stop()


def _executors_environment() -> dict[str, str]:
    """The settings that hand the driver's environment to its executors, but for those that spark-submit was told itself."""
    found = {f"spark.executorEnv.{name}": os.environ[name] for name in _FOR_EXECUTORS if name in os.environ}
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        from pyspark import SparkConf, SparkContext

        SparkContext._ensure_initialized()  # noqa: SLF001 there is no other way to spark-submit's settings before the session
        told = SparkConf()
        found = {key: value for key, value in found.items() if not told.contains(key)}
    return found


def need_java() -> None:
    """Spark 4.1 runs on Java 17 to 21; from 24 on Java lacks the security manager that its Hadoop asks for."""
    if "SPARK_REMOTE" in os.environ:
        return
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    hint = "make java, or apt-get install openjdk-17-jre-headless; JAVA_HOME says which one"
    expected = "Java 17 to 21 on the PATH or under JAVA_HOME"
    if not shutil.which(java):
        raise EnvironmentFault("Java", found=f"none as {java}", expected=expected, hint=hint)
    release = Path(shutil.which(java) or java).resolve().parents[1] / "release"  # a tenth of a second sooner than java -version
    found = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', release.read_text()) if release.exists() else None
    if found and not OLDEST_JAVA <= int(found[1]) <= NEWEST_JAVA:
        raise EnvironmentFault("Java", found=f"version {found[1]} as {java}", expected=expected, hint=hint)
