"""How well lists were ranked: sums over queries."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hourglass.states.replicates import ReplicatedSums, units
from hourglass.states.state import row_state
from hourglass.values import Floats, Hashes

K = 10


@row_state
class Rankings(ReplicatedSums):
    """NDCG@10, average precision@10, reciprocal rank and hits@10, summed over queries; a query is a row with two lists.

    An item is relevant if its relevance is above 0. NDCG takes relevance as the gain, discounts by log2(rank + 1), and shares
    gains out among equal scores, as scikit-learn; elsewhere items of equal score keep the order of the list. Average
    precision@10 is divided by the number of relevant items, or 10 if that is less. A query without lists of one length,
    or with a number that is missing or a relevance below 0, counts in `unusable`; one without a relevant item, of which
    no ranking is better than another, in `nothing_relevant`.

    >>> state = Rankings.empty()
    >>> state.update(pa.array([[0, 1, 0]]), pa.array([[0.9, 0.5, 0.1]]), np.array([1], np.uint64))
    >>> (state.sums[0] / 2**32).round(4).tolist()[1:]
    [0.6309, 0.5, 0.5, 1.0]
    """

    kind: ClassVar[str] = "rankings"
    version: ClassVar[int] = 1
    COLUMNS: ClassVar[tuple[str, ...]] = ("rows", "gain", "precision", "reciprocal", "hits")
    APART: ClassVar[tuple[str, ...]] = ("unusable", "nothing_relevant")

    def update(self, relevances: pa.ListArray, scores: pa.ListArray, ids: Hashes) -> None:
        """Takes in a block of queries: the relevance of each item of a list, and the score that ranked it."""
        sizes, given = (lists.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False) for lists in (relevances, scores))
        matched = (sizes == given) & (sizes > 0)
        relevance, score = (_flat(lists, matched) for lists in (relevances, scores))
        query = np.repeat(np.arange(int(matched.sum())), sizes[matched])
        sound = np.isfinite(relevance) & np.isfinite(score) & (relevance >= 0)
        usable = np.bincount(query[~sound], minlength=int(matched.sum())) == 0
        some = np.bincount(query[relevance > 0], minlength=len(usable)) > 0
        ranked = usable & some
        kept = ranked[query]
        renumbered = np.cumsum(ranked) - 1
        terms = _terms(renumbered[query[kept]], relevance[kept], score[kept], int(ranked.sum()))
        unusable = len(sizes) - int(usable.sum())
        self.add([units(term) for term in terms], np.asarray(ids, np.uint64)[matched][ranked], (unusable, int((usable & ~some).sum())))


def _flat(lists: pa.ListArray, wanted: npt.NDArray[np.bool_]) -> Floats:
    found: Floats = lists.filter(pa.array(wanted)).flatten().cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def _terms(query: npt.NDArray[np.int64], relevance: Floats, score: Floats, queries: int) -> tuple[Floats, ...]:
    """Gain, average precision, reciprocal rank and hit of each query; every query has a relevant item."""
    if queries == 0:
        return (np.empty(0),) * 4
    first = np.searchsorted(query, np.arange(queries))
    rank = np.arange(len(query)) - first[query]
    discount = np.where(rank < K, 1 / np.log2(rank + 2), 0.0)
    order = np.lexsort((-score, query))
    relevance, score = relevance[order], score[order]
    tied = np.cumsum(np.concatenate([[True], (np.diff(score) != 0) | (np.diff(query) != 0)])) - 1
    shared = (np.bincount(tied, relevance) / np.bincount(tied))[tied]
    best = relevance[np.lexsort((-relevance, query))]
    gain = np.bincount(query, shared * discount) / np.bincount(query, best * discount)
    hit = relevance > 0
    running = np.cumsum(hit.astype(np.int64))
    found = running - (running - hit)[first][query]
    precision = np.bincount(query, np.where(hit & (rank < K), found / (rank + 1), 0.0)) / np.minimum(np.bincount(query, hit), K)
    reciprocal = 1 / (1 + rank[hit & (found == 1)])
    return gain, precision, reciprocal, (reciprocal >= 1 / K).astype(np.float64)
