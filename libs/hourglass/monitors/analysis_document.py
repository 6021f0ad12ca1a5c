"""An analysis_config.json with what the settings say of captured records: a job definition has that beside it, not in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hourglass import storage
from hourglass.monitors.job import json_object
from hourglass.settings import Settings


def analysis_document(settings: Settings, path: str) -> Mapping[str, Any]:
    """The document at `path`, its `features` and `predictor` overruled by the attributes of the settings; InputError if it is none.

    The SageMaker Python SDK writes a monitor's document without either: features_attribute, inference_attribute,
    probability_attribute and probability_threshold_attribute are of its endpoint input.
    """
    document = json_object(storage.read_bytes(path), path)
    attributes = {
        "label": settings.inference_attribute,
        "probability": settings.probability_attribute,
        "probability_threshold": _number(settings.probability_threshold_attribute),
    }
    said = {key: value for key, value in attributes.items() if value is not None}
    features = {} if settings.features_attribute is None else {"features": settings.features_attribute}
    predictor = document.get("predictor")
    if not said or not isinstance(predictor, Mapping | None):  # what is no object is told by who reads the document
        return {**document, **features}
    return {**document, **features, "predictor": {**(predictor or {}), **said}}


def _number(text: str | None) -> float | str | None:
    """The number that a text is; any other text as it stands, which is told as no threshold."""
    if text is not None:
        with suppress(ValueError):
            return float(text)
    return text
