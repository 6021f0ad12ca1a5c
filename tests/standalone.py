"""A Spark standalone cluster on the loopback: a master and workers that know nothing but where Java is."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from tests.servers import LOOPBACK, PATIENCE, free_ports

HOME = Path(pyspark.__file__).parent
# Java lives for some seconds here: most of its time would go into code made faster than it ever needs to be
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
_SETTINGS = "spark.master.rest.enabled false\nspark.worker.cleanup.enabled false\n"


@dataclass(frozen=True)
class Cluster:
    """A master's address, and the folder in which each worker keeps what its executors had."""

    url: str
    folders: tuple[Path, ...]

    def executors(self) -> list[int]:
        """How many executors each worker has had since this was asked; what they unpacked takes much room, and is removed."""
        found = []
        for folder in self.folders:
            found.append(len(list(folder.glob("app-*/*/stderr"))))
            for application in folder.glob("app-*"):
                shutil.rmtree(application)
        return found


@contextmanager
def standalone_cluster(directory: Path, workers: int) -> Iterator[Cluster]:
    """Starts a master and workers with one core each, and waits until they have found each other."""
    port, page = free_ports(2)
    (directory / "spark-defaults.conf").write_text(_SETTINGS)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ},
        "SPARK_CONF_DIR": str(directory),
        "SPARK_LOCAL_IP": LOOPBACK,
        "HOME": str(directory),
        **SHORT_LIVED,
    }
    url = f"spark://{LOOPBACK}:{port}"
    folders = tuple(directory / f"worker-{number}" for number in range(workers))
    commands = [["master.Master", "--host", LOOPBACK, "--port", str(port), "--webui-port", str(page)]]
    ours = ["--host", LOOPBACK, "--webui-port", "0", "--cores", "1", "--memory", "2g", "--work-dir"]
    commands += [["worker.Worker", *ours, str(folder), url] for folder in folders]
    log = directory / "log.txt"
    with ExitStack() as started, log.open("wb") as output:
        for name, *options in commands:
            command = [HOME / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *options]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            started.callback(process.wait)
            started.callback(process.terminate)
            if name == "master.Master":
                _wait_for(page, 0, log)
        _wait_for(page, workers, log)
        yield Cluster(url, folders)


def _wait_for(page: int, workers: int, log: Path) -> None:
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        connection = http.client.HTTPConnection(LOOPBACK, page, timeout=5)
        try:
            connection.request("GET", "/json/")
            if json.loads(connection.getresponse().read())["aliveworkers"] >= workers:
                return
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            connection.close()
        if time.monotonic() > deadline:
            raise RuntimeError(f"the cluster did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
