"""`hourglass demo`: suggest a baseline from UCI Adult, replay a day of traffic with known faults, and look who finds them.

claim a directory
read the data, fit the model                 census, model
write the scored training part, the day      replay, faults, labels
suggest a baseline; monitor every hour       the data-quality job, twice, in one Spark session
join labels that come late; monitor again    quality
explain some rows of every hour              drivers
hold what was found against what was planted
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hourglass import storage
from hourglass.constraints import Evaluation
from hourglass.demo import drivers, quality
from hourglass.demo.census import TEST, TRAINING, Row, read_census
from hourglass.demo.faults import BAD_LINES, BROKEN_LINES_AN_HOUR, FAULTS, Fault, faults_of
from hourglass.demo.labels import Label, labels_of
from hourglass.demo.model import Model
from hourglass.demo.replay import DAY, ENDPOINT, replay
from hourglass.errors import HourglassError, InputError
from hourglass.monitors import data_quality
from hourglass.monitors.refresh import Engine
from hourglass.outputs.documents import CONSTRAINTS_JSON, STATISTICS_JSON
from hourglass.outputs.report import Report
from hourglass.settings import Settings
from hourglass.terminal import violated

MARKER = ".hourglass-demo"
CAPTURE, TRAINING_SCORED, BASELINE, REPORTS = FOLDERS = ("capture", "training", "baseline", "reports")
OWN_FOLDERS = (*FOLDERS, *quality.FOLDERS, *drivers.FOLDERS)
FIT_SHARE = 0.75  # of the training part; thresholds come from the rest
WIDTH = 120
ANSWERS = {"prediction", "probability"}


@dataclass(frozen=True)
class Hour:
    """One hour of the day: what was planted into it, and what the monitor says of it."""

    number: int
    faults: tuple[Fault, ...]
    report: Report

    @property
    def false_alarms(self) -> tuple[Evaluation, ...]:
        """The violations of features that no planted fault has touched; what the model answers may follow from a fault."""
        touched = {fault.feature for fault in self.faults} | (ANSWERS if self.faults else set())
        return tuple(violation for violation in self.report.violations if violation.feature not in touched)

    @property
    def bad_lines(self) -> int:
        """How many lines were set aside."""
        return self.report.dataset.intake.bad_lines

    @property
    def as_planted(self) -> bool:
        """Whether all that was planted was found, every single broken line included, and nothing else."""
        broken = BROKEN_LINES_AN_HOUR if any(fault.check == BAD_LINES for fault in self.faults) else 0
        found = all(is_found(fault, self.report) for fault in self.faults)
        return self.report.dataset.rows > 0 and found and self.bad_lines == broken and not self.false_alarms


def run(directory: str) -> None:
    """Runs the demonstration and prints what was found; HourglassError when that is not what was planted.

    Everything is written under `directory`. One that holds other things is refused; what an earlier demonstration
    wrote there is replaced.
    """
    from hourglass.spark.ground_truth_join import spark_join
    from hourglass.spark.one_pass import spark_engine
    from hourglass.spark.session import start_session

    begin = perf_counter()
    console = Console()
    if not console.is_terminal:  # a log has no width of its own
        console = Console(width=WIDTH)
    place = claim(directory)
    scene = prepare(place, console)
    with _step(console, "Start Spark", spins=False) as notes:
        session = start_session("hourglass demo")
        notes.append("one local session for all runs")
    try:
        engine, parallelism = spark_engine(session)
        hours = monitor(place, engine, parallelism, console)
        show(hours, console)
        labelled = hold_against_labels(scene, quality.Quality(place, engine, spark_join(session)[0], parallelism), console)
        driven = explain(place, scene, engine, parallelism, console)
    finally:
        session.stop()
    quality.show(labelled, console)
    drivers.show(driven, console)
    right = all([*(hour.as_planted for hour in hours), *(hour.as_planted for hour in labelled), *(hour.as_planted for hour in driven)])
    style = "bold green" if right else "bold red"
    sentences = _counts(hours), quality.counts(labelled), drivers.counts(driven)
    for sentence in sentences:
        console.print(f"[{style}]{escape(sentence)}[/]", soft_wrap=True)
    console.print(f"[dim]{perf_counter() - begin:.0f} s;[/] reports in {escape(str(place))}", soft_wrap=True, highlight=False)
    if not right:
        raise HourglassError(
            "demo", found="; ".join(sentences), expected="all of them, and no false alarm", hint="see the hours with ✗ above"
        )


def claim(directory: str) -> Path:
    """The directory to write to, emptied of what an earlier demonstration wrote; one that others use is refused."""
    path = storage.normalise(directory)
    if not storage.is_local(path):
        raise InputError("--directory", found=directory, expected="a local directory")
    place = Path(path)
    if place.exists() and not place.is_dir():
        raise InputError("--directory", found=f"the file {path}", expected="a directory")
    if place.exists() and not (place / MARKER).exists() and any(place.iterdir()):
        raise InputError("--directory", found=f"other things in {path}", expected="a new or an empty directory, or a demo's own")
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / MARKER).touch()  # first, so that a demonstration that was killed can be run again
        for name in OWN_FOLDERS:
            if (place / name).exists():
                shutil.rmtree(place / name)
    except OSError as fault:
        raise InputError("--directory", found=f"{path}: {fault.strerror or fault}", expected="a place that can be written to") from fault
    return place


@dataclass(frozen=True)
class Scene:
    """The model, the rows that it was fit to and those that it was not with their labels, and the labels of the day's requests."""

    model: Model
    fit_to: tuple[Sequence[Row], Sequence[str]]
    held_out: tuple[Sequence[Row], Sequence[str]]
    labels: Sequence[Label]


def prepare(place: Path, console: Console) -> Scene:
    """Writes the scored training part, and the captured day."""
    with _step(console, "Fit a model") as notes:
        rows, labels = read_census(TRAINING)
        test_rows, test_labels = read_census(TEST)
        fit = int(FIT_SHARE * len(rows))
        model = Model(rows[:fit], labels[:fit])
        right = sum(answer["prediction"] == label for answer, label in zip(model.score(test_rows), test_labels, strict=True))
        notes.append(f"on {fit:,} census rows; {right / len(test_rows):.1%} right on the test part")
    with _step(console, "Replay a day") as notes:
        scored = (answer | row for answer, row in zip(model.score(rows), rows, strict=True))
        _write(place / TRAINING_SCORED / "scored.jsonl", b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in scored))
        files = list(replay(test_rows, model.score))
        for file in files:
            _write(place / CAPTURE / file.path, file.data)
        lines = sum(len(file.lines) for file in files)
        notes.append(f"{lines:,} requests to {ENDPOINT} in {len(files)} capture files, with {len(FAULTS)} faults")
    return Scene(model, (rows[:fit], labels[:fit]), (rows[fit:], labels[fit:]), list(labels_of(files, test_rows, test_labels)))


def monitor(place: Path, engine: Engine, parallelism: int, console: Console) -> list[Hour]:
    """The main job, twice: a baseline from the training part, then the day against it, hour by hour in one pass."""
    with _step(console, "Suggest a baseline") as notes:
        suggested = data_quality.run(
            Settings(dataset_source=str(place / TRAINING_SCORED), output_path=str(place / BASELINE)), engine, parallelism
        )
        notes.append(f"from the training part: constraints for {len(suggested.reports[0].dataset.columns)} columns")
    with _step(console, "Monitor the day") as notes:
        settings = Settings(
            dataset_source=str(place / CAPTURE),
            output_path=str(place / REPORTS),
            baseline_constraints=str(place / BASELINE / CONSTRAINTS_JSON),
            baseline_statistics=str(place / BASELINE / STATISTICS_JSON),
            start_time=DAY.start,
            end_time=DAY.end,
            window=(timedelta(hours=1),),
        )
        outcome = data_quality.run(settings, engine, parallelism)
        notes.append(f"{len(outcome.reports)} hours in one pass, each held against the baseline")
    return [Hour(number, faults_of(number), report) for number, report in enumerate(outcome.reports)]


def hold_against_labels(scene: Scene, runs: quality.Quality, console: Console) -> list[quality.LabelledHour]:
    """Thresholds, then the day against the labels that had come by midnight, then against those of the next days too."""
    with _step(console, "Suggest thresholds") as notes:
        rows, labels = scene.held_out
        notes.append(f"{runs.suggest(scene.model, rows, labels)} metrics of {len(rows):,} rows that the model was not fit to")
    came = [label for label in scene.labels if label.came < DAY.end]
    with _step(console, "Labels by midnight") as notes:
        joined, _ = runs.labels_came(came)
        notes.append(f"{len(came):,} labels joined with the requests of {joined} hours, and every hour held against them")
    with _step(console, "Labels a day later") as notes:
        joined, reports = runs.labels_came(scene.labels)
        notes.append(f"{len(scene.labels) - len(came):,} more; {joined} hours joined and read again")
    with _step(console, "Bias") as notes:
        biases = runs.bias()
        notes.append("predictions for women beside those for men, every hour")
    return runs.hours(reports, biases)


def is_found(fault: Fault, report: Report) -> bool:
    """Whether a report has the violation that a fault has to cause; of broken lines, whether each one was set aside."""
    if fault.check == BAD_LINES:
        return report.dataset.intake.bad_lines == BROKEN_LINES_AN_HOUR
    return any(_causes(fault, violation) for violation in report.violations)


def _causes(fault: Fault, violation: Evaluation) -> bool:
    return (fault.feature, fault.check) == (violation.feature, violation.check)


def show(hours: Sequence[Hour], console: Console) -> None:
    """Prints the day as a table: what was planted into each hour, what was found, and whether the two agree."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("hour", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("planted")
    table.add_column("found")
    table.add_column("", no_wrap=True)
    for hour in hours:
        mark = "[green]✓[/]" if hour.as_planted else "[bold red]✗[/]"
        planted = "\n".join(escape(fault.title) for fault in hour.faults)
        rows = f"{hour.report.dataset.rows:,}"
        table.add_row(f"{hour.number:02}:00", rows, planted or "[dim]·[/]", "\n".join(_findings(hour)) or "[dim]·[/]", mark)
    console.print()
    console.print(table, highlight=False)
    console.print()


def _findings(hour: Hour) -> Iterator[str]:
    """What was found in an hour: as planted in plain letters, what follows from it dimmed, false alarms in red."""
    if hour.bad_lines:
        reasons = ", ".join(f"{count} {reason}" for reason, count in hour.report.dataset.intake.bad.most_common())
        yield escape(f"{hour.bad_lines} bad lines: {reasons}")
    planted = [violation for violation in hour.report.violations if any(_causes(fault, violation) for fault in hour.faults)]
    others = [violation for violation in hour.report.violations if violation not in planted]
    yield from (escape(violated(violation)) for violation in planted)
    for violation in others:
        yield f"[{'red' if violation in hour.false_alarms else 'dim'}]{escape(violated(violation))}[/]"


def _counts(hours: Sequence[Hour]) -> str:
    found = sum(all(is_found(fault, hours[hour].report) for hour in fault.hours) for fault in FAULTS)
    clean = [hour.as_planted for hour in hours if not hour.faults]
    others = sum(len(hour.false_alarms) for hour in hours if hour.faults)
    counts = f"{found} of {len(FAULTS)} planted faults found in their hours; {sum(clean)} of {len(clean)} clean hours clean"
    return f"{counts}; {others} false alarms in the other hours" if others else counts


def explain(place: Path, scene: Scene, engine: Engine, parallelism: int, console: Console) -> list[drivers.Driven]:
    """Fits a model of boosted trees, and asks of every hour what drives it."""
    with _step(console, "Explain the day") as notes:
        drivers.fit(place, *scene.fit_to)
        hours = drivers.explain(place, str(place / quality.HELD_OUT), str(place / CAPTURE), engine, parallelism)
        notes.append(f"{drivers.ROWS} rows of each hour by boosted trees, beside rows that these were not fit to")
    return hours


@contextmanager
def _step(console: Console, title: str, *, spins: bool = True) -> Iterator[list[str]]:
    """A step of the run: shown while it goes on, and printed with its notes and its time when it is done.

    Without `spins` it is shown by a line of its own, as Spark writes to the terminal while it starts.
    """
    begin = perf_counter()
    notes: list[str] = []
    if spins:
        with console.status(title):
            yield notes
    else:
        console.print(f"[dim]{title} …[/]")
        yield notes
    seconds = f"{perf_counter() - begin:5.1f} s"
    console.print(f"[bold]{title:<18}[/] [dim]{seconds}[/]  {escape('; '.join(notes))}", highlight=False, soft_wrap=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
