"""How much of the faults of categories anybody could find: `python bench/alarms/possible.py`.

The most powerful test of a fault is the likelihood ratio of one who knows its kind, its severity and its category beforehand (Neyman
and Pearson, 1933). Its power at 1 % of false alarms over all columns, each with an equal part, is what no rule can exceed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from data_sets import READERS, Column
from faults import FAULTS, LEAST_CATEGORY, other_category
from run import data_set
from tables import EQUAL
from windows import RANDOM, Counts, parts

Floats = npt.NDArray[np.float64]
KINDS = ("uniform categories", "the first category less", "one category less", "one category more")
QUIET, FAULTY, LOTS = 4000, 1000, 3  # simulated windows, and categories by lot
_NOTHING = 1e-12  # a share of 0 would be found with certainty; so is this


def changed(kind: str, severity: float, column: Column, shares: Floats, random: np.random.Generator) -> Floats:
    """The shares of the categories once a fault is planted, as `faults.py` plants it."""
    if kind == "uniform categories":
        return (1 - severity) * shares + severity / len(shares)
    names, found = [*column.counts], shares.copy()
    first = int(shares.argmax())
    place = (
        first
        if kind.startswith("the first")
        else names.index(other_category(column, random, LEAST_CATEGORY if kind.endswith("less") else 0.0))
    )
    if kind.endswith("more"):
        found *= 1 - severity
        found[place] += severity
        return found
    gone = severity * shares[place]
    found += gone * shares / (1 - shares[place])
    found[place] = shares[place] - gone
    return found


def power(shares: Floats, changed_shares: Floats, rows: int, level: float, random: np.random.Generator) -> float:
    """How often the likelihood ratio of the two finds a window of so many rows, at a level of false alarms."""
    weights = np.log(np.maximum(changed_shares, _NOTHING) / shares)
    quiet, faulty = random.multinomial(rows, shares, QUIET) @ weights, random.multinomial(rows, changed_shares, FAULTY) @ weights
    return float((faulty > np.quantile(quiet, 1 - level)).mean())


def powers(environments: Path) -> Iterator[tuple[str, int, str, float]]:
    """Kind, rows, data set and power, for every column and severity."""
    random = np.random.default_rng(1)
    for name in READERS:
        data = data_set(name, environments)
        for part in parts(data, Counts()):
            for kind in KINDS if part.order == RANDOM else ():
                for column in filter(FAULTS[kind].fits, data.columns.values()):
                    shares = np.array([*column.counts.values()], np.float64) / sum(column.counts.values())
                    for severity in FAULTS[kind].severities:
                        for _ in range(LOTS):
                            planted = changed(kind, severity, column, shares, random)
                            yield kind, part.size, name, power(shares, planted, part.size, EQUAL / len(data.columns), random)


def main() -> None:
    """Prints the shares in %, by kind and rows, data sets weighing alike; and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir(), "hourglass-peers"), help="those of run.py")
    table = pd.DataFrame(powers(parser.parse_args().environments), columns=["fault", "rows", "data", "power"])
    by_data = table.groupby(["fault", "rows", "data"])["power"].mean().reset_index()
    means = by_data.pivot_table("power", "fault", "rows")
    print((100 * means).round(1).to_string())
    print((100 * means.mean()).round(1).to_string())


if __name__ == "__main__":
    main()
