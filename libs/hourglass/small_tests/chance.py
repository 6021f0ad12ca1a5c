"""What chance alone makes: z and p of shares, and of the largest of several."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from hourglass.values import Floats

LEAST_P, _SMALLEST_TOLD = 1e-300, 1e-15  # of a probability
_LOG_2 = math.log(2)
_NODES, _WEIGHTS = (half[12:] for half in np.polynomial.legendre.leggauss(24))  # of the upper half, for even functions


def z_of(log_p: float) -> float:
    """The size of z that the logarithm of a p of both sides belongs to, which has digits left where p has none.

    >>> round(z_of(math.log(0.05)), 2), round(z_of(-20_000.0))
    (1.96, 200)
    """
    return max(0.0, -float(special.ndtri_exp(min(log_p, 0.0) - _LOG_2)))


def log_p_of(z: float) -> float:
    """The logarithm of how likely a z of this size or more, on either side, is by chance.

    >>> round(math.exp(log_p_of(1.959964)), 4), round(log_p_of(200.0))
    (0.05, -20006)
    """
    return min(0.0, _LOG_2 + float(special.log_ndtr(-abs(z))))


def log_of(p: float, asymptote: float) -> float:
    """The logarithm of a probability; where that has no digits left, what it nears."""
    return math.log(p) if p > LEAST_P else asymptote


def log_chi_squared(statistic: float, freedom: float) -> float:
    """The logarithm of the probability that a chi-squared is this large or larger.

    >>> round(math.exp(log_chi_squared(3.841459, 1)), 4), round(log_chi_squared(4000.0, 3))
    (0.05, -1996)
    """
    half, x = freedom / 2, statistic / 2
    beyond = (half - 1) * math.log(x) - x - math.lgamma(half) if x > 0 else 0.0
    return log_of(float(special.chdtrc(freedom, statistic)), beyond)


def told(p: float) -> str:
    """A p as a sentence says it; how small a very small one is depends on digits that nobody has.

    >>> told(0.00123), told(7e-300)
    ('p 0.0012', 'p < 1e-15')
    """
    return f"p {p:.2g}" if p >= _SMALLEST_TOLD else f"p < {_SMALLEST_TOLD:g}"


def z_of_shares(x: Floats, n: float, y: Floats, m: float) -> Floats:
    """How many deviations the share x / n is above y / m: the signed root of the likelihood ratio, with continuity correction.

    The count of the smaller side is moved half a count towards what both together expect.

    >>> z_of_shares(np.array([12.0, 10.0]), 100, np.array([1000.0, 1000.0]), 10000).round(2).tolist()
    [0.49, 0.0]
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    both = (x + y) / (n + m)
    away = x - n * both
    if n <= m:
        x = x - np.minimum(np.maximum(away, -0.5), 0.5)
    else:
        y = y + np.minimum(np.maximum(away, -0.5), 0.5)
    both = (x + y) / (n + m)
    mine, theirs = n * both, m * both
    ratio = special.rel_entr(x, mine) + special.rel_entr(n - x, n - mine)
    ratio += special.rel_entr(y, theirs) + special.rel_entr(m - y, m - theirs)
    found: Floats = np.copysign(np.sqrt(np.maximum(0.0, 2 * ratio)), away)
    return found


def widened(z: Floats, own: Floats, extra: float) -> Floats:
    """The same differences in deviations of a larger variance: that of chance and what sketches add to it."""
    if not extra:
        return z
    found: Floats = z * np.sqrt(own / (own + extra))
    return found


@dataclass(frozen=True, eq=False)
class Bridge:
    """Standardised differences of two distribution functions at some shares, where both are of the same numbers: a Gaussian process."""

    shares: Floats

    @cached_property
    def _steps(self) -> tuple[Floats, Floats]:
        """How far the next difference is from z and from -z, in its own deviations and for z = 1, where one is at each of the nodes."""
        odds = self.shares / (1 - self.shares)
        correlation = np.sqrt(odds[:-1] / odds[1:])[:, np.newaxis]
        rest = np.sqrt(np.maximum(1 - correlation**2, 1e-12))
        return (1 - correlation * _NODES) / rest, (1 + correlation * _NODES) / rest

    def log_p_of_largest(self, z: float) -> float:
        """The logarithm of how likely the largest of the differences is z or more, on either side.

        Their correlation from one share to the next is √(s (1 - t) / (t (1 - s))); what came before the last is taken to say no
        more: up to a tenth above what simulations find.

        >>> [round(math.exp(Bridge(np.array(shares)).log_p_of_largest(1.959964)), 3) for shares in ([0.5], [0.2, 0.5, 0.8])]
        [0.05, 0.13]
        """
        z = abs(z)
        if z < 1e-9:
            return 0.0
        single = math.exp(log_p_of(z))
        if len(self.shares) < 2 or single <= LEAST_P:
            return min(0.0, log_p_of(z) + math.log(len(self.shares)))
        above, below = self._steps
        beyond = special.ndtr(-z * above) + special.ndtr(-z * below)
        density = 2 * z * _WEIGHTS * np.exp(-((z * _NODES) ** 2) / 2) / math.sqrt(2 * math.pi)
        next_one = beyond @ density / max(1 - single, LEAST_P)
        return math.log(-math.expm1(math.log1p(-min(single, 1 - 1e-12)) + float(np.log1p(-np.minimum(next_one, 1 - 1e-12)).sum())))
