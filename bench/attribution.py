"""How fast rows are explained, beside `shap.KernelExplainer`: `python bench/attribution.py`.

Twelve features, ten rows of background; the error is that of the attributions, by the exact Shapley values of all 4,094
coalitions. "default" is what `auto` takes for the model, "black box" KernelSHAP of a model that cannot be looked into. Times
are of this process, medians of three; shap's are without its choice of features (`l1_reg`), which takes longer and misses more.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "libs"))

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from hourglass.attribution.explainer import EXPLAINERS, explainer_of
from hourglass.values import Floats
from tests.unit.attribution.games import ArrayModel, model_answers, task

FEATURES, ROWS, BACKGROUND = 12, 40, 10
WIDE = 30


def seconds(work: Callable[[], Floats]) -> tuple[float, Floats]:
    """The median time of three runs after one that is not counted, and the result."""
    found = work()
    times = []
    for _ in range(3):
        start = perf_counter()
        found = work()
        times.append(perf_counter() - start)
    return median(times), found


def data(features: int) -> tuple[Floats, Floats]:
    """Rows of two classes, and their class."""
    rows, labels = make_classification(5000, features, n_informative=8, random_state=0)
    return rows, labels


def models(rows: Floats, labels: Floats) -> dict[str, object]:
    """A model of each kind."""
    return {
        "logistic regression": LogisticRegression().fit(rows, labels),
        "boosted trees": HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(rows, labels),
        "forest": RandomForestClassifier(100, min_samples_leaf=20, random_state=0).fit(rows, labels),
    }


def beside_shap() -> None:
    """Ours, by default and of a black box, beside shap's."""
    import shap

    rows, labels = data(FEATURES)
    background, explained = rows[:BACKGROUND], rows[100 : 100 + ROWS]
    head = ("model", "coalitions", "default: rows/s, error", "black box: rows/s, error", "shap: rows/s, error", "default", "black box")
    print(f"| {' | '.join(head)} |")
    print(f"|{' --- |' * len(head)}")
    for name, model in models(rows, labels).items():
        black_box = ArrayModel(lambda found, model=model: model_answers(model, found))
        exact = EXPLAINERS["kernel"](task(black_box, background, samples=2**FEATURES)).explain(explained)[:, 0]
        theirs = shap.KernelExplainer(lambda found, model=model: model_answers(model, found)[:, 0], background)
        for samples in (100, 500, 2072):
            default = explainer_of("auto", task(model, background, samples=samples))[1]
            plain = EXPLAINERS["kernel"](task(black_box, background, samples=samples))
            measured = [
                seconds(work)
                for work in (
                    lambda default=default: default.explain(explained)[:, 0],
                    lambda plain=plain: plain.explain(explained)[:, 0],
                    lambda theirs=theirs, samples=samples: theirs.shap_values(explained, nsamples=samples, silent=True, l1_reg=False),
                )
            ]
            cells = [f"{ROWS / time:,.0f}, {np.sqrt(((found - exact) ** 2).mean()):.1e}" for time, found in measured]
            ours, box, other = (time for time, _ in measured)
            print(f"| {name} | {samples} | {' | '.join(cells)} | {other / ours:.1f} × | {other / box:.1f} × |")


def at_size() -> None:
    """A thousand rows of thirty features, 2,048 coalitions each, by boosted trees; and that ten times the rows cost ten times."""
    rows, labels = data(WIDE)
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(rows, labels)
    for background in (1, BACKGROUND):
        found = explainer_of("auto", task(model, rows[:background], samples=2048))[1]
        times = []
        for count in (10, 100) if background > 1 else (100, 1000):
            start = perf_counter()
            found.explain(rows[100 : 100 + count])
            times.append(perf_counter() - start)
        told = f"{count} rows × {WIDE} features × 2,048 coalitions × {background} of background: {times[1]:.1f} s"
        print(f"{told}, {count / times[1]:.0f} rows/s; ten times the rows: {times[1] / times[0]:.2f} × the time")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    beside_shap()
    at_size()
