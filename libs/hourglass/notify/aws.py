"""AWS's services by the ARN of what is told: in its region, in limited time."""

from __future__ import annotations

from typing import Any

from hourglass.http_post import ATTEMPTS, CONNECT_S, READ_S


def client(service: str, arn: str) -> Any:
    """A client in the region of an ARN."""
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": ATTEMPTS, "mode": "standard"})
    # a session of its own: several targets are told at a time, and the default one must not be shared
    return boto3.session.Session().client(service, region_name=arn.split(":")[3], config=limits)
