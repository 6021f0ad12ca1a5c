"""Over-dispersion: by how much windows differ more from each other than independent rows would."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from hourglass.small_tests.chance import LEAST_P
from hourglass.values import Floats

LEAST_WINDOWS = 4
_LEAST_SQUARE = 0.5  # of tests that are careful, or seldom find anything; their logarithms would tell of nothing else


@dataclass(frozen=True)
class Dispersion:
    """A test's λ, the mean square of its z where nothing has changed (1: rows are independent), and how well it is known.

    `freedom` are degrees of freedom, infinite where λ is as good as known: a z over √λ is Student's t with so many.
    """

    factor: float = 1.0
    freedom: float = math.inf

    def p_of(self, z: float) -> float:
        """How likely a z of this size or more, on either side, is where nothing has changed; never 0.

        >>> round(Dispersion().p_of(1.959964), 4), round(Dispersion(4.0, 16.0).p_of(2 * 2.1199), 4)
        (0.05, 0.05)
        """
        scaled = -abs(z) / math.sqrt(self.factor)
        tail = special.ndtr(scaled) if math.isinf(self.freedom) else special.stdtr(self.freedom, scaled)
        return max(LEAST_P, float(2 * tail))


INDEPENDENT = Dispersion()


def learnt(scores: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, dict[str, Dispersion]]:
    """The dispersion of each column and test, from its z in windows in which nothing changed; by column, then by test.

    Few windows tell little of one test, so each λ is drawn towards that of all together, the more, the more alike they are:
    Smyth's moderated variance, with 0 as the known mean. A λ below 1 is 1, which is what independent rows have. Tests of one column
    say nearly the same, so that what is known of λ is worth no more than the windows of all columns. Tests with fewer than 4
    windows are left out. Source: Smyth (2004), "Linear models and empirical Bayes methods", section 6.2.

    >>> few = {"age": {"rank_mean": [0.3, -0.2, 1.1, -1.4]}, "pay": {"rank_mean": [0.9, -1.2, 0.1, 0.7]}}
    >>> learnt(few)["age"]["rank_mean"]
    Dispersion(factor=1.0, freedom=inf)
    """
    known = [(column, test, z) for column, tests in scores.items() for test, z in tests.items() if len(z) >= LEAST_WINDOWS]
    if not known:
        return {}
    sizes = np.array([float(len(z)) for _, _, z in known])
    squares = np.array([float(np.square(z).mean()) for _, _, z in known])
    prior, strength = _in_common(np.maximum(squares, _LEAST_SQUARE), sizes)
    columns = len({column for column, _, _ in known})
    found: dict[str, dict[str, Dispersion]] = {}
    for (column, test, _), size, square in zip(known, sizes.tolist(), squares.tolist(), strict=True):
        factor = prior if math.isinf(strength) else (strength * prior + size * square) / (strength + size)
        found.setdefault(column, {})[test] = Dispersion(factor, min(strength + size, columns * size)) if factor > 1 else INDEPENDENT
    return found


def _in_common(squares: Floats, sizes: Floats) -> tuple[float, float]:
    """The λ that tests have in common, and how many windows that knowledge is worth: infinitely many where all are alike."""
    logs = np.log(squares) - special.digamma(sizes / 2) + np.log(sizes / 2)
    spread = float(np.var(logs, ddof=1)) if len(logs) > 1 else math.inf
    more = spread - float(special.polygamma(1, sizes / 2).mean())
    if more <= 0:
        return math.exp(float(logs.mean())), math.inf
    if math.isinf(more):  # one test alone has nothing in common with others
        return 1.0, 0.0
    strength = 2 * _inverse_trigamma(more)
    return math.exp(float(logs.mean()) + float(special.digamma(strength / 2)) - math.log(strength / 2)), strength


def _inverse_trigamma(value: float) -> float:
    """The x with ψ'(x) = value, by Newton's method on 1 / ψ', which is nearly a line.

    >>> round(float(special.polygamma(1, _inverse_trigamma(0.3))), 9)
    0.3
    """
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
