"""Users' own checks and analyzers, written with pydeequ and run by Deequ on the flattened rows."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hourglass.capture.hooks import Script, own_traceback
from hourglass.constraints import Evaluation, Verdict
from hourglass.errors import EnvironmentFault, HookError, shorten
from hourglass.spark.rows import flattened
from hourglass.spark.session import DEEQU, spark_line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

KEY = "own_check"
CHECKS, ANALYZERS = "checks", "analyzers"
_INSTALL = "pip install 'hourglass-monitor[deequ]' 'pyspark==3.5.*'"
_LONGEST_MESSAGE = 500  # Spark adds the whole plan of a query that it cannot resolve
_FAILURES = (Exception, SystemExit)  # as of hooks: a file that calls sys.exit(0) must not end the job as a success


@dataclass(frozen=True)
class OwnChecks:
    """A user's file that has been loaded: `checks(spark)` and `analyzers(spark)`, of which one may be absent.

    Each returns a list, the first of pydeequ's checks, the second of its analyzers.
    """

    script: Script
    checks: Callable[[SparkSession], Any] | None
    analyzers: Callable[[SparkSession], Any] | None


def load_own_checks(script: Script) -> OwnChecks:
    """Loads the file, without a session, so that its mistakes show before any data are read.

    HookError when it fails to load or has neither function, EnvironmentFault when it could not run here.
    """
    _need_pydeequ()
    own = OwnChecks(script, _function(script, CHECKS), _function(script, ANALYZERS))
    if own.checks is None and own.analyzers is None:
        raise HookError(f"own checks {script.path}", found="neither function", expected=f"{CHECKS}(spark), {ANALYZERS}(spark), or both")
    return own


def _need_pydeequ() -> None:
    if importlib.util.find_spec("pydeequ") is None:
        raise EnvironmentFault("own checks", found="no pydeequ", expected="pydeequ with Spark 3.5", hint=_INSTALL)
    os.environ["SPARK_VERSION"] = spark_line()  # pydeequ asks for it when it is imported
    try:
        importlib.import_module("pydeequ")
    except RuntimeError as fault:
        raise EnvironmentFault("own checks", found=f"Spark {spark_line()}", expected="Spark 3.5", hint=_INSTALL) from fault


def _function(script: Script, name: str) -> Callable[..., Any] | None:
    try:
        return script.handler(name)
    except HookError as fault:
        if fault.__cause__ is not None:  # the file itself failed; otherwise it only has no such function
            raise
        return None


def row_checks(session: SparkSession, own: OwnChecks) -> Callable[..., tuple[list[Evaluation], list[dict[str, Any]]]]:
    """The user's checks as a function of tasks, the plan to read them by, and the data set that they hold."""
    return lambda tasks, plan, dataset: run_own_checks(session, flattened(session, tasks, plan, dataset), own)


def run_own_checks(session: SparkSession, frame: DataFrame, own: OwnChecks) -> tuple[list[Evaluation], list[dict[str, Any]]]:
    """Deequ's verdict on every constraint of the checks, and the values of the analyzers, as rows for `deequ_metrics`.

    A constraint that Deequ calls failed is a violation, also when its column is not there or Spark cannot resolve its
    expression; without any value to judge it is insufficient data. An analyzer that failed has the value null and an
    `error`. HookError when the file's own code fails, in its functions or in an assertion.
    """
    with _deequ(session):
        evaluations = list(_verified(session, frame, own)) if own.checks else []
        metrics = list(_analysed(session, frame, own)) if own.analyzers else []
    return evaluations, metrics


@contextmanager
def _deequ(session: SparkSession) -> Iterator[None]:
    """What Deequ needs of a session, for as long as it runs."""
    gateway: Any = session.sparkContext._gateway  # noqa: SLF001 Spark has no other name for it
    log = logging.getLogger("py4j.clientserver")
    ansi = session.conf.get("spark.sql.ansi.enabled")
    # Deequ 2.0 casts texts of its own to numbers and counts on getting nulls: under ANSI each of its minima fails
    session.conf.set("spark.sql.ansi.enabled", "false")
    # assertions are called back from the JVM; pydeequ would start a server by itself, print that, and leave it running,
    # which keeps the process from ending
    gateway.restart_callback_server()
    log.disabled = True  # it would log the traceback of an assertion that fails, which the HookError has
    try:
        _need_jar(session)
        yield
    finally:
        log.disabled = False
        gateway.shutdown_callback_server()
        gateway._callback_server = None  # noqa: SLF001 py4j keeps the dead server, and nobody could start another
        session.conf.set("spark.sql.ansi.enabled", ansi or "false")


def _need_jar(session: SparkSession) -> None:
    from pydeequ.checks import Check, CheckLevel

    try:
        Check(session, CheckLevel.Error, "is Deequ there?")
    except TypeError as fault:  # 'JavaPackage' object is not callable
        hint = "set deequ_jar; with spark-submit or a session of your own, --packages or --jars"
        raise EnvironmentFault("Deequ's jar", found="not on Spark's class path", expected=DEEQU["3.5"], hint=hint) from fault


def _verified(session: SparkSession, frame: DataFrame, own: OwnChecks) -> Iterator[Evaluation]:
    from pydeequ.checks import Check
    from pydeequ.verification import VerificationSuite

    checks = _listed(own, CHECKS, own.checks, session, Check)
    if not checks:
        return
    suite = VerificationSuite(session).onData(frame)
    for check in checks:
        suite.addCheck(check)
    order = [check.description for check in checks]
    results = sorted(_items(suite.run().verificationRun.checkResults()), key=lambda item: order.index(item[0].description()))
    for check, result in results:
        level = "" if check.level().toString() == "Error" else f" ({check.level().toString().lower()})"
        for found in _each(result.constraintResults()):
            yield _evaluation(f"{check.description()}{level}: {found.constraint().toString()}", found, frame.columns, own.script)


def _evaluation(definition: str, found: Any, columns: Sequence[str], script: Script) -> Evaluation:
    metric: Any = _option(found.metric())
    feature = metric.instance().replace("`", "") if metric else ""
    feature = feature if feature in columns else ""  # of the whole data set, of several columns, or of an expression
    outcome: Any = metric.value() if metric else None
    computed = outcome is not None and outcome.isSuccess()
    value = outcome.get() if computed else None
    value = value if isinstance(value, float) else None  # the value of a histogram or a sketch is no number
    if found.status().toString() == "Success":
        return Evaluation(feature, KEY, definition, value, None, Verdict.PASS)
    message = _option(found.message()) or ""
    if message.startswith("Can't execute the assertion"):
        raise HookError(f"assertion of {definition}", found=_assertion_traceback(message, script.path), expected="True or False")
    empty = outcome is not None and not computed and outcome.failed().get().getClass().getSimpleName() == "EmptyStateException"
    verdict = Verdict.INSUFFICIENT if empty else Verdict.VIOLATION
    return Evaluation(feature, KEY, definition, value, None, verdict, f"{definition}: {_sentence(message)}")


def _analysed(session: SparkSession, frame: DataFrame, own: OwnChecks) -> Iterator[dict[str, Any]]:
    from pydeequ.analyzers import AnalysisRunner, AnalyzerContext, _AnalyzerObject

    analyzers = _listed(own, ANALYZERS, own.analyzers, session, _AnalyzerObject)
    if not analyzers:
        return
    runner = AnalysisRunner(session).onData(frame)
    for analyzer in analyzers:
        runner.addAnalyzer(analyzer)
    context = runner.run()
    rows = AnalyzerContext.successMetricsAsJson(session, context)
    for _, metric in _items(context.metricMap()):
        if metric.value().isFailure():
            fault = metric.value().failed().get().getMessage()
            entity, instance, name = metric.entity().toString(), metric.instance(), metric.name()
            rows.append({"entity": entity, "instance": instance, "name": name, "value": None, "error": _sentence(fault or "")})
    yield from sorted(rows, key=lambda row: (row["instance"], row["name"]))


def _listed(own: OwnChecks, name: str, function: Any, session: SparkSession, kind: type) -> list[Any]:
    """What the user's function returns: a list of one kind of thing."""
    subject = f"{name} of {own.script.path}"
    try:
        found = function(session)
    except _FAILURES as fault:
        raise HookError(subject, found=own_traceback(fault, own.script.path), expected="no error") from fault
    expected = f"a list of pydeequ's {name}"
    if not isinstance(found, list | tuple):
        raise HookError(subject, found=f"a {type(found).__name__}", expected=expected)
    other = next((item for item in found if not isinstance(item, kind)), None)
    if other is not None:
        raise HookError(subject, found=f"a {type(other).__name__} in the list", expected=expected)
    return list(found)


def _assertion_traceback(message: str, path: str) -> str:
    """The traceback in Deequ's message, from the user's first line on."""
    lines = message.partition("Return Message: ")[2].removesuffix("!").rstrip().splitlines()
    first = next((number for number, line in enumerate(lines) if f'File "{path}"' in line), None)
    return "\n" + "\n".join([lines[0], *lines[first:]]) if first is not None else _sentence(message)


def _sentence(message: str) -> str:
    return shorten(next(iter(message.splitlines()), "no reason given"), _LONGEST_MESSAGE)


def _each(sequence: Any) -> Iterator[Any]:
    """The members of a Scala collection."""
    members = sequence.iterator()
    while members.hasNext():
        yield members.next()


def _items(mapping: Any) -> Iterator[tuple[Any, Any]]:
    return ((pair._1(), pair._2()) for pair in _each(mapping))  # noqa: SLF001 the names of a Scala pair's halves


def _option(value: Any) -> Any:
    return value.get() if value.isDefined() else None
