"""The models that are asked for predictions: one kind of model a file. A new file in this folder is a new kind."""

from hourglass.models.model import Model, Predictor, fingerprint, open_model
from hourglass.models.rows import Rows
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = ["Model", "Predictor", "Rows", "fingerprint", "open_model"]
