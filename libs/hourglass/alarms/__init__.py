"""CloudWatch alarms and a dashboard of what the jobs publish: made from a constraints file, put where they are new or changed."""

from hourglass.alarms.dashboard import dashboard
from hourglass.alarms.put import Change, put_alarms, put_dashboard
from hourglass.alarms.wanted import Alarms, Place, wanted_alarms

__all__ = ["Alarms", "Change", "Place", "dashboard", "put_alarms", "put_dashboard", "wanted_alarms"]
