"""LightGBM's own files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from hourglass.errors import ModelError
from hourglass.models.categories import encoded
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens, package, read_model


@opens("LightGBM", suffixes=(".txt",))
def open_lightgbm(predictor: Predictor) -> Loaded:
    """A Booster; a classifier gives probabilities, and one with categories takes texts."""
    text = read_model(predictor).decode()
    return booster_model(package("lightgbm", "lightgbm").Booster(model_str=text), text, predictor)


def booster_model(booster: Any, text: str, predictor: Predictor) -> Loaded:
    """A Booster with the text that it was made from."""
    names = booster.feature_name()
    made_up = all(name == f"Column_{place}" for place, name in enumerate(names))
    return Loaded(
        "lightgbm",
        shape=partial(encoded, categories=_categories(text, booster.pandas_categorical or [], predictor.name)),
        ask=partial(booster.predict, num_threads=1),  # Spark has a task for each core
        names=None if made_up else tuple(names),
        estimator=booster,
    )


def _categories(text: str, lists: Sequence[Sequence[Any]], source: str) -> Mapping[int, Sequence[Any]]:
    """The categories of a pandas table by the feature's place: the file has them in order, and tells which features are categories."""
    if not lists:
        return {}
    found = re.search(r"^feature_infos=(.*)$", text, re.MULTILINE)
    # a number has its range, such as [0:9.5], a category its codes, such as 0:2:1, and a constant feature "none"
    places = [place for place, info in enumerate(found[1].split()) if info[0] != "[" and info != "none"] if found else []
    if len(places) != len(lists):
        raise ModelError(
            f"model {source}",
            found=f"{len(lists)} lists of categories and {len(places)} features with categories",
            expected="one list for each",
            hint="leave out features that were constant when the model was fit",
        )
    return dict(zip(places, lists, strict=True))
