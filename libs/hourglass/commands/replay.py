"""`hourglass replay` and `hourglass calibrate`: what stored hours say of alarms, and of chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import orjson

from hourglass import storage, terminal
from hourglass.capture.window import hour_start
from hourglass.commands.stored import AS_JSON, END, OWN_METRICS, SOURCES, START, STATE_ROOT, only, options, whole_hours
from hourglass.comparisons.calibrated import parse_budget
from hourglass.constraints import Baseline, Calibration, Evaluation, Learnt, Verdict, learn_dispersions
from hourglass.constraints.calibration import ALL
from hourglass.errors import InputError, shorten
from hourglass.history import History
from hourglass.monitors.data_quality import DataQuality
from hourglass.monitors.given_baseline import BaselineFolder, no_budget, read_baseline, read_calibrated
from hourglass.monitors.replay import Against, BudgetLine, ReplayedHour, by_budget, replay
from hourglass.outputs import documents
from hourglass.references import parse_reference
from hourglass.segments import Segmentation, parse_segmentations, segmentation_of
from hourglass.small_tests.dispersion import LEAST_WINDOWS
from hourglass.store import StateStore

BUDGETS = 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1
SHOWN_HOURS = 20
BASELINE_FOLDER = click.option(
    "--baseline-constraints", required=True, metavar="PATH", help="The baseline's folder, or its constraints.json."
)


class Budget(click.ParamType[float]):
    """A share of clean windows, as 1% or 0.01."""

    name = "SHARE"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> float:
        try:
            return parse_budget(value)
        except InputError as fault:
            raise InputError("--budget", found=fault.found, expected=fault.expected) from fault


@click.command("replay")
@options(STATE_ROOT, SOURCES, START, END, BASELINE_FOLDER)
@click.option("--reference", default="baseline", show_default=True, help="What each hour is held against, as in data-quality.")
@click.option("--budget", type=Budget(), metavar="SHARE", help="Budget whose alarms are listed [default: the baseline's].")
@click.option("--segments", default="", metavar="TEXT", help="Segments that share the budget, as in data-quality.")
@options(OWN_METRICS, AS_JSON)
def replay_command(
    state_root: str,
    sources: tuple[str, ...],
    start_time: str,
    end_time: str,
    baseline_constraints: str,
    reference: str,
    budget: float | None,
    segments: str,
    as_json: bool,  # noqa: FBT001 click passes by keyword
) -> None:
    """Show how many alarms there would have been: the decision over stored hours, by budget.

    No data are read, and nothing is written.
    """
    places = BaselineFolder(baseline_constraints, budget, parse_reference(reference))
    against, hours = _replayed(state_root, sources, f"{start_time}..{end_time}", places, parse_segmentations(segments))
    judged = {
        segmentation_of(segment) for hour in hours for segment, found in hour.evaluations if found.verdict is not Verdict.INSUFFICIENT
    }
    known = {segmentation_of(segment) for segment in against.states.segments} if against.states is not None else set()
    for lacking in (by.name for by in against.segments if by.name not in judged):
        of_hours = lacking in known or not places.reference.is_baseline
        found, hint = ("the stored hours", "backfill") if of_hours else ("the baseline", "suggest it")
        raise InputError("--segments", found=f"no {lacking!r} in {found}", expected="segments of both", hint=f"{hint} with --segments")
    chosen = against.baseline.config.budget
    lines = by_budget(hours, [*BUDGETS, chosen])
    if as_json:
        click.echo(orjson.dumps(_document(lines, hours, chosen), option=orjson.OPT_INDENT_2).decode())
        return
    terminal.table(
        ["budget", "hours", "alarms", "alarms a week"],
        [
            [f"{line.budget:.3g}{' ←' if line.budget == chosen else ''}", str(line.hours), str(line.alarms), f"{line.a_week:.1f}"]
            for line in lines
        ],
        right=(0, 1, 2, 3),
    )
    others = sum(bool(hour.without_budget) for hour in hours)
    if others:
        click.echo(f"{others} of {len(hours)} hours have violations that no budget decides (checks with thresholds of their own).")
    unjudged = sum(hour.is_unjudged for hour in hours)
    if unjudged:
        click.echo(f"In {unjudged} of {len(hours)} hours no column could be compared: too few values in them or in the baseline.")
    alarming = [hour for hour in hours if hour.alarms(chosen)]
    surest = sorted(alarming, key=lambda hour: 1.0 if hour.budget is None else hour.budget)[:SHOWN_HOURS]
    rows = [
        [hour.hour, f"{found.feature} where {segment}" if segment else found.feature, found.check, found.description + _more(others)]
        for hour in sorted(surest, key=lambda hour: hour.hour)
        for (segment, found), *others in [hour.alarms(chosen)]
    ]
    if rows:
        terminal.table(["hour", "feature", "check", "found"], rows)
    if len(alarming) > SHOWN_HOURS:
        click.echo(f"The surest {SHOWN_HOURS} of {len(alarming)} hours with alarms; --json has all.")


def _more(others: Sequence[tuple[str, Evaluation]]) -> str:
    names = list(dict.fromkeys(f"{found.feature} where {segment}" if segment else found.feature for segment, found in others))
    return f" (and {len(others)} more, of {shorten(', '.join(names), 80)})" if others else ""


def _document(lines: Sequence[BudgetLine], hours: Sequence[ReplayedHour], budget: float) -> dict[str, Any]:
    return {
        "budgets": [{"budget": line.budget, "hours": line.hours, "alarms": line.alarms, "alarms_a_week": line.a_week} for line in lines],
        "hours": [
            {
                "hour": hour.hour,
                "rows": hour.dataset.rows,
                "alarms_from_budget": hour.budget,
                "violations": [{"segment": segment, **documents.evaluation_entry(found)} for segment, found in hour.alarms(budget)],
            }
            for hour in hours
        ],
    }


@click.command("calibrate")
@options(STATE_ROOT, SOURCES, START, END, BASELINE_FOLDER)
@click.option("--accept-alarms", is_flag=True, help="Learn from hours that alarm too: you know that nothing happened in them.")
@click.option("--output", required=True, metavar="FILE", help="calibration.json to write; beside the baseline the next run finds it.")
@options(OWN_METRICS)
def calibrate_command(
    state_root: str,
    sources: tuple[str, ...],
    start_time: str,
    end_time: str,
    baseline_constraints: str,
    accept_alarms: bool,  # noqa: FBT001 click passes by keyword
    output: str,
) -> None:
    """Learn from stored hours how much quiet hours differ: each beside all others, and beside those of the same hour.

    Hours that alarm with what is known now are left out, unless you accept them. Four days of hours are enough for windows that
    are held against the same hour of day, four weeks for the same hour of week. Nothing is updated by itself.
    """
    if output.endswith("/") or storage.is_directory(output):
        hint = f"--output {storage.join(output, documents.CALIBRATION_JSON)}"
        raise InputError("--output", found=f"the folder {output}", expected="a file", hint=hint)
    against, hours = _replayed(state_root, sources, f"{start_time}..{end_time}", BaselineFolder(baseline_constraints))
    baseline = against.baseline
    kept = [hour for hour in hours if accept_alarms or not hour.alarms(baseline.config.budget)]
    calibration = Calibration({beside: learnt for beside, groups in _groups(kept).items() if (learnt := _learnt(groups, baseline))})
    if not calibration.learnt:
        hint = "more hours, or --accept-alarms where nothing happened in those that alarmed" if len(kept) < len(hours) else "more hours"
        if all(hour.without_budget for hour in hours):
            hint = f"is it their baseline? In all of them: {shorten(hours[0].without_budget[0][1].description, 120)}"
        raise InputError("history", found=f"{len(kept)} quiet hours", expected=f"{LEAST_WINDOWS} or more", hint=hint)
    folder, _, name = storage.normalise(output).rpartition("/")
    storage.write_files(folder, {name: documents.to_json(calibration.document())})
    terminal.table(
        ["beside", "hours", "feature", "test", "λ"],
        [
            [beside, str(learnt.windows), feature, test, f"{found.factor:.3g}"]
            for beside, learnt in calibration.learnt.items()
            for feature, tests in learnt.dispersions.items()
            for test, found in sorted(tests.items(), key=lambda item: -item[1].factor)[:1]
        ],
        right=(1, 4),
    )
    accepted = [hour.hour for hour in kept if hour.alarms(baseline.config.budget)]
    if accepted:
        click.echo(f"{len(accepted)} of {len(hours)} hours alarm and were taken for quiet: {', '.join(accepted)}")
    learnt_from = {hour.hour for hour in kept}
    left_out = [hour.hour for hour in hours if hour.hour not in learnt_from]
    if left_out:
        click.echo(f"{len(left_out)} of {len(hours)} hours alarm and were left out: {', '.join(left_out)}")
    click.echo(f"learnt from {len(kept)} hours: {output}")


def _replayed(
    state_root: str, sources: tuple[str, ...], span: str, places: BaselineFolder, segments: Sequence[Segmentation] = ()
) -> tuple[Against, list[ReplayedHour]]:
    window = whole_hours(span)
    store = StateStore(state_root, DataQuality.name)
    baseline = read_baseline(places)
    if not baseline.budget_parts:
        raise no_budget(places.baseline_constraints, "no feature with a budget")
    against = Against(*read_calibrated(places, baseline), places.reference, segments)
    hours = list(replay(History({}, store), window, only(store, sources), against))
    if not hours:
        found, hint = f"no stored hours with rows in {window}", "hourglass backfill fills them"
        if not places.reference.is_baseline:
            found, hint = f"{found} that have hours of {places.reference} before them", "a later start, or more stored hours"
        raise InputError("history", found=found, expected="some days of hours", hint=hint)
    return against, hours


def _groups(hours: Sequence[ReplayedHour]) -> dict[str, list[list[ReplayedHour]]]:
    """The hours that each is held against the others of: all, those of the same hour of day, those of the same hour of week."""
    of_day: dict[object, list[ReplayedHour]] = {}
    of_week: dict[object, list[ReplayedHour]] = {}
    for hour in hours:
        time = hour_start(hour.hour)
        of_day.setdefault(time.hour, []).append(hour)
        of_week.setdefault((time.weekday(), time.hour), []).append(hour)
    found = {ALL: [list(hours)], "hour-of-day": list(of_day.values()), "hour-of-week": list(of_week.values())}
    return {beside: [group for group in groups if len(group) >= LEAST_WINDOWS] for beside, groups in found.items()}


def _learnt(groups: Sequence[Sequence[ReplayedHour]], baseline: Baseline) -> Learnt | None:
    if not groups:
        return None
    hours = sorted(hour.hour for group in groups for hour in group)
    source = f"stored hours {hours[0]} to {hours[-1]}"
    return Learnt(len(hours), source, learn_dispersions([[hour.dataset for hour in group] for group in groups], baseline))
