"""Coalitions: which are tried, and that attributions of a game come out of what they are worth."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from hourglass.attribution.coalitions import all_coalitions, default_samples, design
from tests.unit.attribution.games import shapley


def interactions(players: int, seed: int):
    """A game of single players, pairs and sixes, and its Shapley values, which each set shares out evenly."""
    random = np.random.default_rng(seed)
    sets = [
        (random.choice(players, size, replace=False), random.normal())
        for size, count in ((1, players), (2, 3 * players), (6, 2 * players))
        for _ in range(count)
    ]
    values = np.zeros(players)
    for members, value in sets:
        values[members] += value / len(members)
    return lambda masks: sum(value * masks[:, members].all(axis=1) for members, value in sets), values


@pytest.mark.parametrize("players", [1, 2, 3, 7, 12])
def test_all_coalitions_give_the_shapley_values(players):
    """Of any game."""
    random = np.random.default_rng(players)
    weights, directions = random.normal(size=(players, 5)), random.normal(size=5)

    def worth(masks):
        return np.tanh(masks @ weights) @ directions + masks.all(axis=1)

    found = design(players, all_coalitions(players), 0)
    whole = worth(np.ones((1, players), np.bool_))
    values = found.attributions(worth(found.masks)[np.newaxis], whole)
    np.testing.assert_allclose(values[0], shapley(worth, players), atol=1e-12)


@pytest.mark.parametrize(("players", "samples"), [(8, 60), (12, 500), (30, 500), (30, 2048), (100, 700)])
def test_sampled_coalitions_add_up_and_come_near(players, samples):
    """Attributions add up to the whole, and are right to a share of how much they vary, which more samples lessen."""
    worth, expected = interactions(players, 1)
    errors = []
    for count in (samples, 4 * samples):
        found = design(players, min(count, all_coalitions(players)), 3)
        whole = worth(np.ones((1, players), np.bool_))
        values = found.attributions(worth(found.masks)[np.newaxis], whole)
        np.testing.assert_allclose(values.sum(axis=1), whole, atol=1e-9)
        errors.append(np.sqrt(((values[0] - expected) ** 2).mean()))
    assert errors[1] < errors[0] < 0.6 * expected.std()


@pytest.mark.parametrize(("players", "samples"), [(8, 100), (9, 100), (14, 2076), (30, 2108), (500, 3048)])
def test_no_coalition_is_tried_twice_and_each_with_its_complement(players, samples):
    """About as many as were asked for; the outermost sizes whole where they are no more than their weight asks for."""
    masks = design(players, samples, 0).masks
    keys = {mask.tobytes() for mask in masks}
    assert len(keys) == len(masks) <= samples + players
    assert len(masks) > 0.9 * samples
    assert {(~mask).tobytes() for mask in masks} == keys
    sizes = np.bincount(masks.sum(axis=1), minlength=players + 1)
    assert sizes[0] == sizes[players] == 0
    assert sizes[1] == players or players > 100
    assert all(size <= comb(players, place) for place, size in enumerate(sizes.tolist()))


def test_the_same_seed_gives_the_same_coalitions():
    """So that what a sample lacks is lacking in the baseline too."""
    first, again, other = design(20, 300, 5), design(20, 300, 5), design(20, 300, 6)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert (first.masks.tobytes()) != other.masks.tobytes()


def test_as_many_coalitions_as_the_stock_analyzer_where_nobody_says():
    assert [default_samples(players) for players in (2, 11, 12, 40)] == [2, 2046, 2072, 2128]


def test_fewer_coalitions_than_players_still_add_up():
    """The least attributions that fit are taken."""
    found = design(50, 10, 0)
    values = found.attributions(found.masks.sum(axis=1, dtype=np.float64)[np.newaxis], np.array([50.0]))
    assert values.sum() == pytest.approx(50.0)
