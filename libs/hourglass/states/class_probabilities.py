"""How probable a model of several classes found what was true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.states.replicates import ReplicatedSums, units
from hourglass.states.scores import SMALLEST
from hourglass.states.state import row_state
from hourglass.values import Hashes

TOP = 5


@row_state
class ClassProbabilities(ReplicatedSums):
    """Rows whose true class is among the k most probable, k from 1 to 5, and the sum of -log(its probability).

    Of equally probable classes the later in the model's list goes first, as in scikit-learn. A true class that the model
    does not know is no hit and costs as much as a probability of 2.2e-16. A row without an actual class counts in
    `no_actual`, one that has that and a probability that is missing or not within 0 and 1 in `no_probability`.

    >>> state = ClassProbabilities.empty()
    >>> state.update(pa.array(["b"]), np.array([[0.5, 0.3, 0.2]]), ["a", "b", "c"], np.array([1], np.uint64))
    >>> dict(zip(state.COLUMNS, state.sums[0].tolist()))
    {'rows': 1, 'top_1': 0, 'top_2': 1, 'top_3': 1, 'top_4': 1, 'top_5': 1, 'logarithms': 5171023820}
    """

    kind: ClassVar[str] = "class_probabilities"
    version: ClassVar[int] = 1
    COLUMNS: ClassVar[tuple[str, ...]] = ("rows", *(f"top_{k}" for k in range(1, TOP + 1)), "logarithms")
    APART: ClassVar[tuple[str, ...]] = ("no_actual", "no_probability")

    def update(self, actual: pa.StringArray, probabilities: npt.ArrayLike, classes: Sequence[str], ids: Hashes) -> None:
        """Takes in a block of rows: the names of actual classes, and a line of probabilities in the order of `classes`."""
        p = np.asarray(probabilities, np.float64).reshape(len(actual), len(classes))
        labelled = np.asarray(pc.is_valid(actual))
        usable = labelled & ((p >= 0) & (p <= 1)).all(axis=1)
        place = pc.index_in(actual, value_set=pa.array(classes, pa.string())).fill_null(-1).to_numpy(zero_copy_only=False)[usable]
        p = p[usable]
        own = np.where(place >= 0, np.take_along_axis(p, np.maximum(place, 0)[:, np.newaxis], axis=1)[:, 0], -1.0)
        later = np.arange(len(classes)) > place[:, np.newaxis]
        before = np.count_nonzero((p > own[:, np.newaxis]) | ((p == own[:, np.newaxis]) & later), axis=1)
        hits = [((before < k) & (place >= 0)).astype(np.int64) for k in range(1, TOP + 1)]
        cost = units(-np.log(np.clip(own, SMALLEST, 1 - SMALLEST)))
        left_out = len(labelled) - int(labelled.sum()), int(labelled.sum()) - int(usable.sum())
        self.add([*hits, cost], np.asarray(ids, np.uint64)[usable], left_out)
