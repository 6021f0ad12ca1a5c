"""Real servers on the loopback, started for a test run: an object store (seaweedfs) and CloudWatch (moto)."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

LOOPBACK = "127.0.0.1"
ACCESS_KEY = "hourglass"
SECRET_KEY = "loopback-only"  # noqa: S105 of a server that nobody else can reach
PATIENCE = 60.0


@dataclass(frozen=True)
class ObjectStore:
    """An S3 server that was started, and may not answer yet."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """Where S3 clients find it."""
        return f"http://{LOOPBACK}:{self.port}"

    def create_bucket(self, name: str) -> str:
        """Waits until the store takes an object, then gives the bucket's URI."""
        store = pafs.S3FileSystem(
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            endpoint_override=f"{LOOPBACK}:{self.port}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
            connect_timeout=1,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                store.create_dir(name)
                with store.open_output_stream(f"{name}/.ready") as stream:
                    stream.write(b"1")
                store.delete_file(f"{name}/.ready")
            except OSError as fault:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    last_lines = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the object store did not start: {fault}\n{last_lines}") from fault
                time.sleep(0.1)
            else:
                return f"s3://{name}"


@contextmanager
def object_store(directory: Path) -> Iterator[ObjectStore]:
    """Starts seaweedfs in a directory and does not wait for it: it needs four seconds, which others can use."""
    identity = {"name": "tests", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}], "actions": ["Admin"]}
    identities = directory / "identities.json"
    identities.write_text(json.dumps({"identities": [identity]}))
    services = ("master", "volume", "filer", "s3")
    ports = dict(zip([f"{service}.port{suffix}" for service in services for suffix in ("", ".grpc")], free_ports(8), strict=True))
    options = {
        "ip": LOOPBACK,
        "dir": directory,
        "s3": "true",
        "s3.config": identities,
        **ports,
        # the two other services of the S3 gateway would take fixed ports
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        # each bucket takes seven volumes, which grow with their content
        "volume.max": 200,
        "master.volumeSizeLimitMB": 128,
        # else it takes nothing when a hundredth of the disk is left, which may be gigabytes
        "volume.minFreeSpace": "200MiB",
        # one master needs no time to be elected: 4 s to the first put instead of 8
        "master.electionTimeout": "1s",
        "master.heartbeatInterval": "100ms",
        # on by default: tests talk to nobody
        "master.telemetry": "false",
    }
    log = directory / "log.txt"
    weed = Path(sys.executable).with_name("weed")
    with log.open("wb") as output:
        process = subprocess.Popen([weed, "server", *(f"-{key}={value}" for key, value in options.items())], stdout=output, stderr=output)
    try:
        yield ObjectStore(ports["s3.port"], log, process)
    finally:
        # it takes 25 s to say goodbye, and nothing in it is worth that
        process.kill()
        process.wait()


@contextmanager
def cloudwatch_server() -> Iterator[str]:
    """Starts moto in a thread, and gives its endpoint."""
    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def free_ports(count: int) -> list[int]:
    """Ports below those that the system gives to clients, so that nobody takes one before the server does."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"{count} free ports between 20000 and 32000 are not to be had")
