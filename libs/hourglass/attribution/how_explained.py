"""How attributions were made, as model_metadata.json keeps it, and whether those of a baseline were made alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hourglass.attribution.coalitions import samples_of
from hourglass.attribution.config import Aggregation
from hourglass.attribution.digest import AttributionDigest, explained_by
from hourglass.attribution.game import Players
from hourglass.errors import InputError, SettingsError, shorten

MODEL_JSON = "model_metadata.json"
# of what the attributions are: with another of these they answer another question; records without names tell features by order
_QUESTION = {
    "features": "headers",
    "groups": "methods.shap.groups",
    "scale": "methods.shap.use_logit",
    "agg_method": "methods.shap.agg_method",
    "background": "methods.shap.baseline",
}
_SHAPLEY = {"kernel", "tree", "linear"}  # explainers that estimate the same values, where the scale is the same
_SHA256 = 64  # digits
# what moves them by little, or is what a window is watched for
_CIRCUMSTANCES = {
    "fingerprint": "model",
    "num_samples": "methods.shap.num_samples",
    "seed": "methods.shap.seed",
    "explainer": "methods.shap.explainer",
}


@dataclass(frozen=True)
class HowExplained:
    """What attributions depend on beside the rows.

    `fingerprint` and `background` are SHA-256 of the model and of the rows of the background. `explainer` and `scale`, what
    attributions add up to, are None where the model is out of reach; `num_samples` are coalitions of each row, None where none are tried.
    """

    model: str | None
    fingerprint: str | None
    features: Sequence[str]
    groups: Mapping[str, Sequence[str]]
    explainer: str | None
    num_samples: int | None
    agg_method: Aggregation
    scale: str | None
    seed: int
    background: str
    background_rows: int

    @classmethod
    def of(cls, digest: AttributionDigest) -> HowExplained:
        """How a digest explains rows."""
        config, background = digest.config, digest.background
        explainer, scale = explained_by(digest)
        players = Players.of(background.names, config.group_of).count
        return cls(
            model=config.predictor.name if config.predictor is not None else None,
            fingerprint=digest.fingerprint or None,
            features=list(config.feature_names or background.names),
            groups={name: list(features) for name, features in config.groups},
            explainer=explainer,
            num_samples=samples_of(config.samples, players) if explainer == "kernel" else None,
            agg_method=config.aggregation,
            scale=scale,
            seed=config.seed,
            background=background.fingerprint,
            background_rows=len(background.rows),
        )

    def document(self) -> dict[str, Any]:
        """The part of `model_metadata.json` that is the same of all windows."""
        return {"version": 1, **asdict(self)}

    def beside(self, baseline: Mapping[str, Any], path: str) -> tuple[str, ...]:
        """What else differs from a baseline's document, in sentences; SettingsError where its attributions are of something else.

        What either does not know, as older documents do not, is not held against the other.
        """
        known = {key: value for key, value in asdict(self).items() if value is not None and baseline.get(key) is not None}
        said = {key: (_told(value), f"{_told(baseline[key])}, as in {path}") for key, value in known.items() if value != baseline[key]}
        alike = {str(known.get("explainer")), str(baseline.get("explainer"))} <= _SHAPLEY
        question = _QUESTION if alike else {**_QUESTION, "explainer": _CIRCUMSTANCES["explainer"]}
        faults = [
            InputError(subject, found=said[key][0], expected=said[key][1], hint="set it as it was, or make the baseline anew")
            for key, subject in question.items()
            if key in said
        ]
        if faults:
            raise SettingsError(faults)
        return tuple(f"{subject}: found {said[key][0]}; expected {said[key][1]}" for key, subject in _CIRCUMSTANCES.items() if key in said)


def _told(value: object) -> str:
    """A value for people: of a SHA-256 its beginning."""
    if isinstance(value, str) and len(value) == _SHA256:
        return f"SHA-256 {value[:8]}…"
    return shorten(", ".join(map(str, value)) if isinstance(value, list) else str(value))
