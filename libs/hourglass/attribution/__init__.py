"""A model × rows × a background → attributions → what drives the model, and whether that has changed."""

from hourglass.registration import import_all

import_all(__name__, __path__)
