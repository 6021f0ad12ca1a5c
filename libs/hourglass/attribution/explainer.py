"""How the features of a row share what a model says of it: one way for any model, exact ones for those that can be looked into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

import numpy as np

from hourglass.attribution.additive import additive_of
from hourglass.attribution.game import Background, Players
from hourglass.errors import EnvironmentFault, InputError, did_you_mean
from hourglass.models import Model, Rows
from hourglass.values import Floats

AUTO = "auto"
_LEAST_SHARE = 1e-12  # of which there are odds


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
    if additive_of(task.model.estimator) is not None:  # shap takes seconds to load
        return "kernel", EXPLAINERS["kernel"](task)
    try:
        trees = EXPLAINERS["tree"](task)
    except (InputError, EnvironmentFault):  # no trees, or none that shap knows, or no shap
        return "kernel", EXPLAINERS["kernel"](task)
    return ("tree", trees) if trees.of_answer else ("kernel", EXPLAINERS["kernel"](task))
