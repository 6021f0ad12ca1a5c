"""Several hosts as one Spark: what a container does on each of them, from resourceconfig.json to its end.

The platform starts the same command on every host. The first one, by name, runs Spark's master, a worker, and the job.
The others run a worker, for as long as the first one's line to them holds: it says where the master is, and that the job
has ended. A worker that dies is started again, and a host that is lost takes none of the job with it but its tasks, which
Spark runs again elsewhere.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from hourglass import storage
from hourglass.errors import EnvironmentFault, InputError
from hourglass.processes import ONE_THREAD, processors
from hourglass.spark.session import LOG_SETTINGS, need_java

RESOURCES = "config/resourceconfig.json"
LINE_PORT, MASTER_PORT, PAGE_PORT = 7078, 7077, 8080
ENDED = "ended"

_LOST_S = 30.0  # for how long a cut line may be mended
_FAREWELL_S = 30.0  # for how long the first host waits, when its job has ended, for hosts that have not come yet
_STOP_S = 10.0
_RESTARTS = 5
_SMALLEST_HEAP_MB, _LARGEST_HEAP_MB = 512, 8192  # the data's bytes never pass an executor's heap, the join's keys do
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_FIREWALL = "hosts must reach each other on all TCP ports: in a VPC, by a security group that lets itself in"

# of the master and the workers; on by default from 4.1 on, REST would take jobs from anybody who reaches the port
_DAEMON_SETTINGS = {"spark.master.rest.enabled": "false", "spark.ui.killEnabled": "false"}


@dataclass(frozen=True)
class Hosts:
    """The hosts of a job by name, in order, and which of them this one is."""

    current: str
    names: tuple[str, ...]

    @property
    def first(self) -> str:
        """The host that runs the job."""
        return self.names[0]

    @property
    def is_first(self) -> bool:
        """Whether that is this one."""
        return self.current == self.first


def read_hosts(root: str) -> Hosts | None:
    """The hosts that the platform names in config/resourceconfig.json; None where that is one, or there is no such file."""
    path = storage.join(root, RESOURCES)
    data = storage.read_if_there(path)
    if data is None:
        return None
    expected = '{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}'
    try:
        document = json.loads(data)
    except ValueError as fault:
        raise InputError(path, found=f"no JSON: {fault}", expected=expected) from fault
    lacking = [key for key in ("current_host", "hosts") if not isinstance(document, dict) or key not in document]
    if lacking:
        raise InputError(path, found=f"no {' and no '.join(lacking)}", expected=expected)
    current, names = document["current_host"], document["hosts"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InputError(path, found=f"hosts {names!r}", expected=expected)
    if current not in names:
        raise InputError(path, found=f"current_host {current!r} among hosts {', '.join(names)}", expected="one of them")
    # every host has to name the same one, whatever the order in its own file
    ordered = tuple(sorted(set(names)))
    return Hosts(current, ordered) if len(ordered) > 1 else None


@contextmanager
def lead(hosts: Hosts, patience: float, *, alone: bool) -> Iterator[None]:
    """On the first host: a session that is started in here runs on all hosts, which have come within `patience` seconds.

    `alone`, the others have only to wait for the end. However that comes, they are told.
    """
    deadline = time.monotonic() + patience
    with _Line(_address(hosts.first, patience)) as line, ExitStack() as cluster:
        try:
            if not alone:
                cluster.enter_context(_environment(cluster.enter_context(_cluster(hosts, line, deadline))))
            yield
        finally:
            # one that comes to a closed door would wait for its whole patience
            line.wait_for(hosts.names[1:], min(deadline, time.monotonic() + _FAREWELL_S))
            line.say(ENDED)
            line.wait_for_leave()


def follow(hosts: Hosts, patience: float) -> None:
    """On another host: a worker for as long as the first host's job runs.

    EnvironmentFault when the first host does not answer within `patience` seconds, or has gone without a word.
    """
    deadline = time.monotonic() + patience
    heard = works = False
    cut: OSError | str = "it closes the line"
    with ExitStack() as work:
        while True:
            try:
                with _connected(hosts) as words:
                    for word in words:
                        deadline, heard = time.monotonic() + _LOST_S, True
                        if word == ENDED:
                            work.close()  # while there is a master to tell, which stays for as long as the line
                            return
                        if word and not works:
                            _start_worker(work, hosts, word)
                            works = True
            except OSError as fault:
                cut = fault
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
    expected = "that it says when the job has ended"
    if heard:
        raise EnvironmentFault(
            f"first host {hosts.first}", found=f"no word for {_LOST_S:.0f} s", expected=expected, hint="its own log may say why it is gone"
        )
    found = f"no answer on port {LINE_PORT} within {patience:.0f} s: {cut}"
    raise EnvironmentFault(f"first host {hosts.first}", found=found, expected=expected, hint=_FIREWALL)


def _start_worker(work: ExitStack, hosts: Hosts, url: str) -> None:
    try:
        work.enter_context(_worker(hosts, url))
    except OSError as fault:  # it is not the line that is cut
        raise EnvironmentFault(
            f"the worker of {hosts.current}", found=fault, expected="that it starts", hint="make room, or see the log"
        ) from fault


class _Line:
    """The first host's line to the others: what is said reaches all of them, also those that come later."""

    def __init__(self, address: str) -> None:
        self._said: list[str] = []
        self._hosts: dict[str, socket.socket] = {}
        self._changed = threading.Condition()
        try:
            self._server = socket.create_server((address, LINE_PORT))
        except OSError as fault:
            raise EnvironmentFault(f"port {LINE_PORT} of {address}", found=fault, expected="that it is free") from fault
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # wakes the thread that waits for the next host
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._changed:
            for connection in self._hosts.values():
                connection.close()

    def say(self, word: str) -> None:
        """Tells every host."""
        with self._changed:
            self._said.append(word)
            for connection in self._hosts.values():
                with suppress(OSError):  # lost; if it comes again, it hears it then
                    connection.sendall(f"{word}\n".encode())

    def wait_for(self, names: tuple[str, ...], deadline: float) -> None:
        """Waits until all of these hosts have come, or for as long as may be."""
        with self._changed:
            self._changed.wait_for(lambda: set(names) <= set(self._hosts), max(0.0, deadline - time.monotonic()))

    def wait_for_leave(self) -> None:
        """Waits until the hosts have stopped their workers and hung up; some may be lost, so not for long."""
        deadline = time.monotonic() + _STOP_S
        with self._changed:
            connections = [*self._hosts.values()]
        for connection in connections:
            with suppress(OSError):
                connection.settimeout(max(0.1, deadline - time.monotonic()))
                while connection.recv(1024):
                    pass

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:  # closed
                return
            with suppress(OSError):
                connection.settimeout(_STOP_S)
                name = connection.makefile("rb").readline(256).decode("utf-8", "replace").strip()
                with self._changed:
                    connection.sendall("".join(f"{word}\n" for word in self._said).encode())
                    self._hosts[name] = connection
                    self._changed.notify_all()


@contextmanager
def _connected(hosts: Hosts) -> Iterator[Iterator[str]]:
    """What the first host says: its words, and "" for every second without one; it ends when the line is cut."""
    with socket.create_connection((hosts.first, LINE_PORT), timeout=5.0) as connection:
        # a host that loses its power says nothing: ask it
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        connection.sendall(f"{hosts.current}\n".encode())
        connection.settimeout(1.0)
        yield _words(connection)


def _words(connection: socket.socket) -> Iterator[str]:
    kept = b""
    while True:
        try:
            data = connection.recv(1024)
        except TimeoutError:
            yield ""
            continue
        if not data:
            return
        *words, kept = (kept + data).split(b"\n")
        yield from (word.decode() for word in words)


@contextmanager
def _cluster(hosts: Hosts, line: _Line, deadline: float) -> Iterator[Mapping[str, str]]:
    """The master, and a worker on each host; gives what the environment has to say for a session to run on them."""
    address = _address(hosts.current, 0)
    url = f"spark://{hosts.current}:{MASTER_PORT}"
    with _daemon_folder() as folder:
        environment = _daemon_environment(folder, address)
        options = ["--host", hosts.current, "--port", str(MASTER_PORT), "--webui-port", str(PAGE_PORT)]
        # all hosts are told this port: it is no help when Spark takes the next one
        with _daemon("master.Master", options, {**environment, "SPARK_MASTER_OPTS": "-Dspark.port.maxRetries=0"}) as master:
            _wait_for_master(master, address, deadline)
            line.say(url)
            with _worker(hosts, url):
                cores = _cores_of_all(hosts, address, deadline)
                settings = {
                    "spark.driver.host": hosts.current,
                    "spark.driver.bindAddress": address,
                    "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "2g"),
                    "spark.executor.memory": f"{_heap_mb()}m",
                    "spark.cores.max": str(cores),
                    # there is a task for each core: the first executor must not take those of the others, which are on their way
                    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
                }
                _write_settings(folder, {**_DAEMON_SETTINGS, **settings})
                yield {"SPARK_MASTER": url, "SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": address}


def _wait_for_master(master: subprocess.Popen[bytes], address: str, deadline: float) -> None:
    while _workers(address) is None:
        if master.poll() is not None or time.monotonic() > deadline:
            found = "none" if master.poll() is None else f"ended with code {master.poll()}"
            hint = f"its own words are above; ports {MASTER_PORT} and {PAGE_PORT} of this host must be free"
            raise EnvironmentFault("Spark's master", found=found, expected="that it runs", hint=hint)
        time.sleep(0.2)


def _cores_of_all(hosts: Hosts, address: str, deadline: float) -> int:
    """How many cores the workers have together, when there is one on each host."""
    while True:
        workers = _workers(address) or {}
        missing = [name for name in hosts.names if name not in workers]
        if not missing:
            return sum(workers.values())
        if time.monotonic() > deadline:
            plural = "s" if len(missing) > 1 else ""
            expected = f"a worker on each of {', '.join(hosts.names)}"
            found = "no Spark worker from there when host_wait was over"
            raise EnvironmentFault(f"host{plural} {', '.join(missing)}", found=found, expected=expected, hint=_FIREWALL)
        time.sleep(0.2)


def _workers(address: str) -> dict[str, int] | None:
    """The cores of each host with a worker, as the master has it; None when it does not answer."""
    page = http.client.HTTPConnection(address, PAGE_PORT, timeout=5.0)  # never by a proxy
    try:
        page.request("GET", "/json/")
        workers = json.loads(page.getresponse().read())["workers"]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        page.close()
    return {worker["host"]: worker["cores"] for worker in workers if worker["state"] == "ALIVE"}


@contextmanager
def _worker(hosts: Hosts, url: str) -> Iterator[None]:
    """A worker, which is started again when it dies.

    Five times: a host on which it cannot live goes without, for the job runs on, and a host that ends early would end it.
    """
    options = ["--host", hosts.current, "--webui-port", "0", "--memory", f"{_heap_mb()}m"]
    if "SPARK_WORKER_CORES" not in os.environ:
        options += ["--cores", str(processors())]
    over = threading.Event()

    def keep_up(environment: Mapping[str, str], options: list[str]) -> None:
        for number in range(_RESTARTS + 1):
            with _daemon("worker.Worker", options, environment) as worker:
                while worker.poll() is None and not over.wait(0.5):
                    pass
            if over.is_set():
                return
            then = "is started again" if number < _RESTARTS else "stays away; the job goes on without it"
            _say(f"the worker of {hosts.current} has ended with code {worker.returncode} and {then}")

    with _daemon_folder() as folder:
        environment = _daemon_environment(folder, _address(hosts.current, 0))
        keeper = threading.Thread(target=keep_up, args=(environment, [*options, "--work-dir", str(folder / "work"), url]))
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()


@contextmanager
def _daemon(name: str, options: list[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A master or a worker of the Spark that pyspark brings; it ends with the block."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    command = [str(Path(home, "bin", "spark-class")), f"org.apache.spark.deploy.{name}", *options]
    # standard output is the job's own
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=2)  # noqa: S603 our own words only
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _daemon_folder() -> Iterator[Path]:
    """A folder for Spark's settings and for what executors leave behind."""
    need_java()
    with TemporaryDirectory(prefix="hourglass-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copy(LOG_SETTINGS, folder / "log4j2.properties")
        _write_settings(folder, _DAEMON_SETTINGS)
        yield folder


def _write_settings(folder: Path, settings: Mapping[str, str]) -> None:
    (folder / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))


def _daemon_environment(folder: Path, address: str) -> dict[str, str]:
    """Of the executors too: they inherit their worker's environment, and with it this host's own credentials."""
    own = {"SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": address, "SPARK_DAEMON_MEMORY": "512m"}
    return {**ONE_THREAD, **os.environ, **own}


def _heap_mb() -> int:
    """An executor's heap, in megabytes: a quarter of this host's memory, the rest is for Python and the files' cache."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no limit is spelled "max"
        memory = min(memory, int(_CGROUP_LIMIT.read_text()))
    return max(_SMALLEST_HEAP_MB, min(_LARGEST_HEAP_MB, memory // 4 >> 20))


def _address(name: str, patience: float) -> str:
    """The address of a host; names may be known a moment after their hosts are up."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.gethostbyname(name)
        except OSError as fault:
            if time.monotonic() > deadline:
                raise EnvironmentFault(f"host {name}", found=f"no address: {fault}", expected="a name that the hosts know") from fault
        time.sleep(0.5)


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _say(sentence: str) -> None:
    sys.stderr.write(f"hourglass: {sentence}\n")
    sys.stderr.flush()
