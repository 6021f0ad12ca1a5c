"""Which run it is: its name, its id, and the fingerprint of its settings."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson

from hourglass.settings import Settings

# what differs between two runs of one monitor, says where its own traces go, or may be secret
_NOT_HASHED = {
    *("start_time", "end_time", "metric_time", "container_root", "log_format", "otlp_endpoint", "lineage"),
    *("notify", "notify_retrain", "notify_link", "model"),
}


@dataclass(frozen=True)
class Run:
    """A run of a job."""

    settings: Settings
    job: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def settings_hash(self) -> str:
        """The same for all runs of a monitor that are set alike, whatever their hours.

        Of addresses that may hold secrets, and of the model's, nothing goes into it.
        """
        said = {name: value for name, value in self.settings if name not in _NOT_HASHED}
        return hashlib.sha256(orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def names(self) -> dict[str, str]:
        """The job, endpoint and schedule, as far as they have a name."""
        settings = self.settings
        found = {"job": self.job, "endpoint": settings.sagemaker_endpoint_name, "schedule": settings.sagemaker_monitoring_schedule_name}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def context(self) -> dict[str, Any]:
        """What every log line of the run says."""
        return {"run": self.id, **self.names}
