"""How the features of a row share what a model says of it: one way for any model, exact ones for those that can be looked into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Protocol, TypeVar

import numpy as np

from hourglass.attribution.additive import additive_of
from hourglass.attribution.game import Background, Places, Players, probabilities
from hourglass.attribution.trees import Trees
from hourglass.errors import EnvironmentFault, InputError, ModelError, did_you_mean
from hourglass.models import Model, Rows
from hourglass.values import Floats

AUTO = "auto"
_LEAST_SHARE = 1e-12  # of which there are odds
_ADDS_UP = 1e-4


@dataclass(frozen=True)
class Task:
    """What is to be explained: the model's answer on rows beside a background, by players.

    `logit` explains the logarithm of the odds. `samples` are coalitions of each row, as many as there should be when None.
    """

    model: Model
    background: Background
    like: Rows  # no rows: the names and the vocabularies of the background
    players: Players
    samples: int | None = None
    seed: int = 0
    logit: bool = False

    def predict(self, rows: Floats) -> Floats:
        """The model's answers, rows × outputs."""
        return self.model.predict(Rows(self.like.names, rows, self.like.texts))

    @cached_property
    def order(self) -> Places | None:
        """Which feature each input of the model's estimator is: what explainers that look inside must put back in place.

        None where that cannot be told: of a model without an estimator, of texts, and where categories have codes of their own.
        """
        count = len(self.like.names)
        if self.model.estimator is None or self.like.texts:
            return None
        places = np.arange(float(count))[np.newaxis]
        found = np.asarray(self.model.inputs(Rows(self.like.names, places, {})), np.float64)
        if found.ndim != 2 or not np.isin(found, places).all() or len(np.unique(found)) < found.shape[1]:
            return None
        order: Places = found[0].astype(np.intp)
        return order

    @cached_property
    def trees(self) -> Trees | None:
        """What is inside of a model of trees of numbers; None of others. EnvironmentFault without shap, which reads them."""
        if self.order is None:
            return None
        return Trees.of(self.model.estimator, self.order, self.background.rows, self.predict(self.background.rows))

    def link(self, answers: Floats) -> Floats:
        """Answers as they are explained."""
        if not self.logit:
            return answers
        if (answers < 0).any() or (answers > 1).any():
            found = f"an answer of {answers[(answers < 0) | (answers > 1)][0]:g}"
            raise InputError("use_logit", found=found, expected="probabilities", hint="set use_logit to false")
        held = np.clip(answers, _LEAST_SHARE, 1 - _LEAST_SHARE)
        found_odds: Floats = np.log(held / (1 - held))
        return found_odds


class Explainer(Protocol):
    """Attributions of rows; `expected` is what the model says of the background, by output.

    `of_answer` says that it is the model's answer that they add up to; not its log-odds, say.
    """

    expected: Floats
    of_answer: bool

    def explain(self, rows: Floats) -> Floats:
        """Rows × outputs × players, which add up to the answer less `expected`."""
        ...


def is_answer(task: Task, rows: Floats, sums: Floats) -> bool:
    """Whether attributions and the expected value add up to what the model answers, and not to its log-odds; ModelError if to neither."""
    answers = task.predict(rows)
    for found in (sums, probabilities(sums)):
        if found.shape == answers.shape and np.allclose(found, answers, rtol=_ADDS_UP, atol=_ADDS_UP):
            return found is sums
    apart = np.abs(sums - answers).max() if sums.shape == answers.shape else float("nan")
    hint = "set methods.shap.explainer to kernel"
    raise ModelError("explainer", found=f"attributions that miss the model's answers by {apart:.3g}", expected="their sum", hint=hint)


_explainers: dict[str, Callable[[Task], Explainer]] = {}
EXPLAINERS: Mapping[str, Callable[[Task], Explainer]] = MappingProxyType(_explainers)


E = TypeVar("E", bound=Callable[[Task], Explainer])


def explainer(name: str) -> Callable[[E], E]:
    """Registers a way of explaining under its name."""

    def register(made: E) -> E:
        _explainers[name] = made
        return made

    return register


def explainer_of(name: str, task: Task) -> tuple[str, Explainer]:
    """The explainer of a name; `auto` is the exact one that the model allows, and KernelSHAP for all other models."""
    if name != AUTO:
        if name not in EXPLAINERS:
            known = (AUTO, *EXPLAINERS)
            raise InputError("explainer", found=repr(name), expected=", ".join(known), hint=did_you_mean(name, known))
        return name, EXPLAINERS[name](task)
    if task.order is None or additive_of(task.model.estimator) is not None:  # shap takes seconds to load
        return "kernel", EXPLAINERS["kernel"](task)
    try:
        trees = EXPLAINERS["tree"](task)
    except (InputError, EnvironmentFault):  # no trees, or none that shap knows, or no shap
        return "kernel", EXPLAINERS["kernel"](task)
    return ("tree", trees) if trees.of_answer else ("kernel", EXPLAINERS["kernel"](task))
