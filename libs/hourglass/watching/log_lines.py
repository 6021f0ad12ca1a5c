"""A log line for each stage of a run, with its seconds and what it did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from hourglass.errors import HourglassError, shorten
from hourglass.logs import LOGGER, are_on
from hourglass.outputs.merge_report import MergeOutcome
from hourglass.outputs.report import Outcome
from hourglass.stages import RUN, Done
from hourglass.watching.run import Run


class LogLines:
    """Writes them, and what the run says at its end."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def asked(cls, run: Run) -> Self | None:
        """Where log lines are on."""
        return cls(run) if are_on() else None

    def begins(self, stage: str) -> None:
        """A line for the run only: most stages take no time, and their end says what they did."""
        if stage == RUN:
            said = {"settings_hash": self.run.settings_hash, "source": self.run.settings.dataset_source}
            LOGGER.info("run of %s begins", self.run.job, extra={"facts": {"event": "run begins", **said}})

    def ends(self, done: Done) -> None:
        """A line for the stage; of the run its warnings and its message too."""
        if done.stage == RUN:
            self._outcome(done)
        event = f"{done.stage} {'failed' if done.fault is not None else 'ends'}"
        facts: dict[str, Any] = {"event": event, "stage": done.stage, "seconds": round(done.seconds, 3), **done.facts}
        told = ", ".join(f"{name} {value}" for name, value in done.facts.items() if not isinstance(value, dict))
        sentence = f"{event} after {done.seconds:.2f} s" + (f": {told}" if told else "")
        if done.fault is not None:
            said = str(done.fault) if isinstance(done.fault, HourglassError) else f"{type(done.fault).__name__}: {done.fault}"
            LOGGER.error("%s: %s", sentence, shorten(said, 2000), extra={"facts": {**facts, "error": type(done.fault).__name__}})
        else:
            LOGGER.info(sentence, extra={"facts": facts})

    @staticmethod
    def _outcome(done: Done) -> None:
        if isinstance(done.result, Outcome | MergeOutcome):
            for warning in warnings_of(done.result):
                LOGGER.warning(warning, extra={"facts": {"event": "warning"}})
            LOGGER.info(done.result.message, extra={"facts": {"event": "message"}})


def warnings_of(outcome: Outcome | MergeOutcome) -> Iterable[str]:
    """What a run warns of, each sentence once."""
    windows = [warning for report in outcome.reports for warning in report.coverage.warnings] if isinstance(outcome, Outcome) else []
    return dict.fromkeys([*outcome.warnings, *windows])
