"""Who is told of violations: one kind of channel a file. A new file in this folder is a new kind of target."""

from hourglass.notify.channel import CHANNELS, Channel, channel_of, channel_targets, deliver
from hourglass.notify.cooldown import start_once
from hourglass.notify.notice import Notice
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = ["CHANNELS", "Channel", "Notice", "channel_of", "channel_targets", "deliver", "start_once"]
