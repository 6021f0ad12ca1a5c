"""The table of ratios: on the terminal, and written down with the machine it was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

PACKAGES = ("pyspark", "pyarrow", "numpy", "duckdb")


@dataclass(frozen=True)
class Measured:
    """What one benchmark found."""

    title: str
    goal: float
    unit: str
    ours: Sequence[float]
    other: Sequence[float]
    ratio: float

    def cells(self) -> tuple[str, ...]:
        """The line of the table."""
        return (
            self.title,
            _spread(self.ours, self.unit),
            _spread(self.other, self.unit),
            f"{self.ratio:.2f}",
            f"≤ {self.goal}",
            "yes" if self.ratio <= self.goal else "no",
        )


HEADINGS = ("benchmark", "ours: median (min–max)", "other: median (min–max)", "ratio", "goal", "met")


def _spread(values: Sequence[float], unit: str) -> str:
    digits = 0 if unit == "MB" else 2
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def show(found: Sequence[Measured]) -> None:
    """The table on the terminal."""
    table = Table(*HEADINGS)
    for measured in found:
        table.add_row(*measured.cells())
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def write(path: Path, found: Sequence[Measured]) -> None:
    """The table as a Markdown file."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(measured.cells() for measured in found)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    path.write_text(f"# Measured\n\n{machine()}\n\n{lines}\n", "utf-8")


def machine() -> str:
    """Size of the machine, versions, date and command in two sentences."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = subprocess.run([shutil.which("java") or "java", "-version"], check=True, capture_output=True, text=True).stderr.split('"')[1]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, `python bench/run.py {' '.join(sys.argv[1:])}`: {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, Java {java}, {packages}. "
        f"Load average at the end {load}."
    )
