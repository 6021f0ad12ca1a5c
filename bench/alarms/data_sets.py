"""The data of the benchmark of alarms: real tables, where each is from, and in which of them rows have an order.

UCI Adult comes with the package, German Credit with the tests. The others are read from the wheels of nannyml and popmon, as
they are installed in the environments that `environments.py` makes; nothing of them is copied into the repository.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from hourglass.demo.census import FEATURES, TEST, TRAINING, read_census

Array = npt.NDArray[np.float64] | npt.NDArray[np.object_]
Columns = Mapping[str, Array]  # numbers as doubles, NaN where there is none; texts as objects, None where there is none
MANY = 20  # distinct numbers of a column whose distribution can be bent
MOST_CATEGORIES = 50
DECIMALS = 6


@dataclass(frozen=True)
class Column:
    """A column of the whole data set: its values, and what faults must know of it."""

    values: Array

    @property
    def numeric(self) -> bool:
        """Whether it has numbers."""
        return self.values.dtype == np.float64

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """Its numbers without those that are missing."""
        found: npt.NDArray[np.float64] = self.values[~np.isnan(self.values)]
        return found

    @cached_property
    def deviation(self) -> float:
        """The standard deviation of its numbers."""
        return float(self.numbers.std())

    @cached_property
    def decimals(self) -> int | None:
        """How many decimals its numbers have; None for more than six, and then nothing is rounded."""
        return next((places for places in range(DECIMALS + 1) if np.array_equal(self.numbers.round(places), self.numbers)), None)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each text occurs, in the order of the alphabet."""
        names, counts = np.unique([value for value in self.values if value is not None], return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    @cached_property
    def spread(self) -> bool:
        """Whether it has many numbers, none of which half of the rows have: where a distribution has a shape."""
        if not self.numeric:
            return False
        _, counts = np.unique(self.numbers, return_counts=True)
        return len(counts) >= MANY and counts.max() < len(self.numbers) / 2

    @cached_property
    def categorical(self) -> bool:
        """Whether it has few enough texts to be categories."""
        return not self.numeric and 2 <= len(self.counts) <= MOST_CATEGORIES


@dataclass(frozen=True)
class DataSet:
    """A table. Its rows stand in `order` where they have one; then the first `ordered_rows` of them, or all, are windows in order.

    `dependent` tells whether neighbours are alike: traffic of a day, people of a block. `moves` is said of a table whose
    consecutive windows are of other places each, so that none of them is clean.
    """

    name: str
    columns: Mapping[str, Column]
    source: str
    licence: str
    order: str = ""
    ordered_rows: int = 0
    dependent: bool = False
    moves: bool = False

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.columns.values())).values)

    def take(self, rows: npt.NDArray[np.intp]) -> dict[str, Array]:
        """Some of its rows."""
        return {name: column.values[rows] for name, column in self.columns.items()}  # noqa: PD011 a column's own, not pandas'


Folders = Mapping[str, Path]  # where the packages of an environment are


def _columns(table: pd.DataFrame) -> dict[str, Column]:
    """Numbers stay numbers; what has a type of categories, and booleans, become texts: a code c21, not the number 21."""
    found: dict[str, Column] = {}
    for name, values in table.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            texts = "c" + values.astype(str)
            found[str(name)] = Column(np.where(values.isna(), None, texts).astype(np.object_))
        elif values.dtype.kind in "bO":
            found[str(name)] = Column(np.where(values.isna(), None, values.astype(str)).astype(np.object_))
        else:
            found[str(name)] = Column(values.to_numpy(np.float64))
    return found


def _adult(_: Folders) -> DataSet:
    rows = [row for part in (TRAINING, TEST) for row in read_census(part)[0]]
    return DataSet(
        "adult",
        _columns(pd.DataFrame(rows, columns=list(FEATURES))),
        "Adult: B. Becker, R. Kohavi (1996), UCI Machine Learning Repository; training and test part; comes with hourglass.demo",
        "CC BY 4.0",
    )


GERMAN = (
    *("checking_account", "months", "history", "purpose", "amount", "savings", "employed_since", "rate", "personal_status", "debtors"),
    *("residence_since", "property", "age", "other_plans", "housing", "credits", "job", "liable_for", "telephone", "foreign_worker"),
)


def _german(_: Folders) -> DataSet:
    path = Path(__file__).parents[2] / "tests" / "data" / "german" / "german.data"
    with path.open(encoding="ascii") as file:
        rows = [row[:-1] for row in csv.reader(file, delimiter=" ")]
    table = pd.DataFrame(rows, columns=list(GERMAN))
    for name in table:
        if table[name].str.isdigit().all():
            table[name] = table[name].astype(np.int64)
    return DataSet(
        "german", _columns(table), "Statlog German Credit: H. Hofmann (1994), UCI Machine Learning Repository; tests/data", "CC BY 4.0"
    )


def _flights(folders: Folders) -> DataSet:
    folder = folders["popmon"] / "popmon" / "test_data"
    parts = [pd.read_csv(folder / name) for name in ("flight_delays_reference.csv.gz", "flight_delays.csv.gz")]
    table = pd.concat(parts).sort_values("DATE", kind="stable").drop(columns=["Unnamed: 0", "DATE"])
    # US Airways is counted as American Airlines from 1 July 2015 on: 7 % of the baseline's flights, none after
    table["AIRLINE"] = table["AIRLINE"].replace("US", "AA")
    return DataSet(
        "flights",
        _columns(table),
        "flight delays in the USA in 2015, US Department of Transportation, a sample; in the wheel popmon 1.4.12",
        "MIT, as popmon; the department's figures are public domain",
        order="the day of the flight, a year; within a day as they stand in the file",
        ordered_rows=len(table),
        dependent=True,
    )


NANNYML = "in the wheel nannyml 0.13.1"
MADE = f"made by NannyML, {NANNYML}"


def _nannyml(name: str, files: tuple[str, str], left_out: tuple[str, ...], source: str, order: str, rows: int = 0, **more: bool) -> Reader:
    def read(folders: Folders) -> DataSet:
        folder = folders["nannyml"] / "nannyml" / "datasets" / "data"
        parts = [pd.read_parquet(folder / file) if file.endswith(".pq") else pd.read_csv(folder / file) for file in files]
        shared = [column for column in parts[0] if column in parts[1] and column not in left_out]
        table = pd.concat([part[shared] for part in parts], ignore_index=True)
        # the made ones change on purpose in their second part: in order only the first is clean
        ordered = rows or (len(table) if more.get("moves") else len(parts[0]) if order else 0)
        return DataSet(name, _columns(table), source, "Apache-2.0, as nannyml", order, ordered, **more)

    return read


Reader = Callable[[Folders], DataSet]
READERS: Mapping[str, Reader] = {
    "adult": _adult,
    "german": _german,
    "titanic": _nannyml(
        "titanic",
        ("titanic_reference.csv", "titanic_analysis.csv"),
        # where nearly every value is another one there is no distribution to compare
        ("PassengerId", "Name", "Ticket", "Cabin", "home.dest", "body"),
        f"passengers of the Titanic, Kaggle's and data.world's tables, {NANNYML}",
        "",
    ),
    "california": _nannyml(
        "california",
        ("california_housing_reference.csv", "california_housing_analysis.csv"),
        ("id", "timestamp", "y_pred"),
        f"California housing: Pace, Barry (1997), 1990 census, {NANNYML}, with its model's score",
        "block groups, county by county",
        moves=True,
    ),
    "census": _nannyml(
        "census",
        ("employment_MA_reference.pq", "employment_MA_analysis.pq"),
        ("id", "year", "prediction"),
        f"American Community Survey, Massachusetts 2015 to 2018, US Census Bureau, {NANNYML}, with its model's score",
        "2015 and 2016, households as the files have them, whose members follow each other",
        # in 2017 and 2018 the files have all who live in institutions together, which are 25 windows of 200 of another population
        rows=68_785 + 69_126,
        dependent=True,
    ),
    "flights": _flights,
    "credit_cards": _nannyml(
        "credit_cards",
        ("mc_reference.csv", "mc_analysis.csv"),
        ("id", "timestamp", "y_pred"),
        f"applications for credit cards, {MADE}",
        "time; rows are independent",
    ),
    "car_prices": _nannyml(
        "car_prices",
        ("regression_synthetic_reference.csv", "regression_synthetic_analysis.csv"),
        ("id", "timestamp"),
        f"prices of used cars, {MADE}",
        "time; rows are independent",
    ),
    "car_loans": _nannyml(
        "car_loans",
        ("synthetic_car_loan_reference.csv", "synthetic_car_loan_analysis.csv"),
        ("id", "timestamp", "y_pred"),
        f"loans for cars, {MADE}",
        "time; rows are independent",
    ),
    "home_office": _nannyml(
        "home_office",
        ("synthetic_sample_reference.csv", "synthetic_sample_analysis.csv"),
        ("id", "timestamp", "y_pred", "period"),
        f"days of work at home, {MADE}; some of its columns have the numbers of the car loans",
        "time; rows are independent",
    ),
}
OURS = ("adult", "german")  # what needs no environment
ENVIRONMENTS = ("nannyml", "popmon")
