"""The comparisons of a window's global attributions with the baseline's."""

from __future__ import annotations

import numpy as np

from hourglass.attribution.chance import of_distance, of_largest_rank, of_largest_share, of_value
from hourglass.attribution.metric import STOCK, attribution_metric, ranks, shares
from hourglass.comparisons import Worse
from hourglass.values import Floats


@attribution_metric(
    title="NDCG",
    meaning="Whether what led in the baseline still leads: 1 is the same order. It says little of how far shares moved.",
    worse=Worse.LOWER,
    chance=of_value,
    default=0.9,
    largest=1.0,
    by_interval=False,
    contract_name=STOCK,
    source="SageMaker Clarify; Järvelin and Kekäläinen (2002)",
)
def ndcg(baseline: Floats, live: Floats) -> Floats:
    """How well the baseline's attributions are in order when they are put in the live order: DCG / DCG of their own order.

    DCG = Σ a_i / log2(i + 1) over the features i of an order, a the baseline's. 1 is the same order, however the sizes moved.

    >>> ndcg(np.array([[0.70, 0.50, 0.05]]), np.array([[0.10, 0.20, 0.70]])).round(5).tolist()
    [0.68764]
    """
    own = _gain(baseline, baseline)
    found: Floats = _gain(baseline, live) / own
    return found


def _gain(values: Floats, order: Floats) -> Floats:
    found: Floats = (values / np.log2(ranks(order) + 1)).sum(axis=1)
    return found


@attribution_metric(
    title="Attribution moved",
    meaning="How much of all attribution is with other features than in the baseline.",
    worse=Worse.HIGHER,
    chance=of_distance,
    largest=1.0,
    is_share=True,
)
def share_moved(baseline: Floats, live: Floats) -> Floats:
    """The share of all attribution that is with other features now: half the sum of |share - share in the baseline|.

    >>> share_moved(np.array([[0.6, 0.4]]), np.array([[0.4, 0.6]])).round(9).tolist()
    [0.2]
    """
    found: Floats = np.abs(shares(live) - shares(baseline)).sum(axis=1) / 2
    return found


@attribution_metric(
    title="Largest change of a share",
    meaning="How far one feature's share moved at most, up or down.",
    worse=Worse.HIGHER,
    chance=of_largest_share,
    largest=1.0,
    is_share=True,
)
def largest_change(baseline: Floats, live: Floats) -> Floats:
    """The largest change of a feature's share of all attribution, up or down.

    >>> largest_change(np.array([[0.6, 0.3, 0.1]]), np.array([[0.3, 0.4, 0.3]])).round(9).tolist()
    [0.3]
    """
    found: Floats = np.abs(shares(live) - shares(baseline)).max(axis=1)
    return found


@attribution_metric(
    title="Largest change of a rank",
    meaning="By how many ranks one feature rose or fell at most.",
    worse=Worse.HIGHER,
    chance=of_largest_rank,
)
def rank_change(baseline: Floats, live: Floats) -> Floats:
    """By how many ranks a feature rose or fell at most.

    >>> rank_change(np.array([[0.6, 0.3, 0.1]]), np.array([[0.3, 0.4, 0.3]])).tolist()
    [1.0]
    """
    found: Floats = np.abs(ranks(live) - ranks(baseline)).max(axis=1)
    return found
