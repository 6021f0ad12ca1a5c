"""What people see, word for word: help, tables, error texts. After a wanted change: GOLDEN=write make test, then read the difference."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from hourglass import terminal
from hourglass.cli import cli
from hourglass.errors import HourglassError, InputError, SettingsError
from hourglass.settings import load_settings
from tests.engine import capture_line, run, write_hour

HERE = Path(__file__).parent


def compare(name: str, text: str) -> None:
    """Holds a text against its file."""
    path = HERE / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("command", ["", "data-quality", "merge", "model-quality", "bias", "attribution", "run", "demo", "metrics"])
def test_help(command: str) -> None:
    """Of the program and of each command."""
    result = CliRunner().invoke(cli, [*filter(None, [command]), "--help"], terminal_width=100)
    assert result.exit_code == 0
    compare(f"help-{command or 'hourglass'}", result.output)


def test_the_table_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean hour, one with violations and a bad line, one without data."""
    (tmp_path / "training.csv").write_text("score,age\n" + "".join(f"0.{i % 10},{i % 50}\n" for i in range(1000)))
    run(tmp_path / "baseline", dataset_source=tmp_path / "training.csv")
    write_hour(tmp_path / "capture", "2026/11/21/08", [capture_line(f"0.{i % 10}", str(i % 50)) for i in range(200)])
    drifted = [capture_line(f"0.{i % 10}", str(i % 50 + 30) if i % 4 else "") for i in range(200)]
    write_hour(tmp_path / "capture", "2026/11/21/09", [*drifted, "{"])
    baseline = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    span = {"start_time": "2026-11-21T08:00:00Z", "end_time": "2026-11-21T11:00:00Z", "window": "1h"}
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **span, **baseline)
    out = StringIO()
    monkeypatch.setattr(terminal, "Console", lambda **_: Console(file=out, width=120))
    terminal.show(outcome, load_settings({"dataset_source": "/capture", "output_path": "/reports"}, {}))
    compare("table", out.getvalue())


def test_errors() -> None:
    """One of each kind, as standard error and the message file have them."""
    errors: list[HourglassError] = [
        InputError("column 'age'", found="String", expected="a numeric column", hint="choose hours"),
        InputError("s3://bucket/capture", found="access denied", expected="a readable file or directory"),
    ]
    for flags, environment in (
        ({"dataset_format": "{}"}, {}),
        ({"dataset_format": '{"csw": {}}', "window": "soon"}, {"output_path": "ftp://host"}),
        ({"dataset_source": "/a", "output_path": "/b", "start_time": "2026-11-21"}, {}),
    ):
        with pytest.raises(SettingsError) as caught:
            load_settings(flags, environment)
        errors.append(caught.value)
    compare("errors", "\n".join(str(error) for error in errors) + "\n")


def test_the_sentences_of_violations(tmp_path: Path) -> None:
    """Every check that can fail in one hour of records, as constraint_violations.json has it."""
    draws = [(i % 10, i % 50, "red" if i % 3 else "blue") for i in range(1000)]
    (tmp_path / "training.csv").write_text("score,age,colour\n" + "".join(f"0.{a},{b},{c}\n" for a, b, c in draws))
    run(tmp_path / "baseline", dataset_source=tmp_path / "training.csv")
    baseline = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    broken = [capture_line(f"{a}" if a else "", f"{-b}.5,{c if b else 'ultraviolet'}") for a, b, c in draws]
    write_hour(tmp_path / "capture", "2026/11/21/09", broken)
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **baseline)
    compare("violations", "".join(f"{e.feature} {e.check}: {e.description}\n" for e in outcome.reports[0].violations))
