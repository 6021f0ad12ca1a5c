"""Many small files against few large ones with the same records, on local disk and from an object store.

`python bench/many_files.py [--records 1000000] [--many 20000] [--few 8] [--repeats 3] [--processes 2]`. The store is
seaweedfs on this machine, started here and stopped at the end: it takes its own share of the cores, which the columns
"store" and "ours" tell apart. One turn lists the files, cuts the tasks and scans them in processes that are up.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

BENCH = Path(__file__).resolve().parent
sys.path += [str(BENCH.parent / "libs"), str(BENCH), str(BENCH.parent)]

import data  # noqa: E402 found by the path above

from hourglass.capture.detect import detect_format  # noqa: E402 the same
from hourglass.capture.files import list_files  # noqa: E402 the same
from hourglass.capture.reader import ReadPlan  # noqa: E402 the same
from hourglass.capture.slices import Task, cut_tasks  # noqa: E402 the same
from hourglass.scan import ScanPlan, scan  # noqa: E402 the same
from hourglass.states import COLUMN_STATES  # noqa: E402 the same
from tests.servers import ACCESS_KEY, SECRET_KEY, object_store  # noqa: E402 the same

UPLOADS = 16  # at a time


@dataclass(frozen=True)
class Turn:
    """What one reading of all files took: seconds until listed and altogether, CPU seconds of ours and of the store."""

    listed: float
    whole: float
    ours: float
    store: float


def read_all(root: str, pool: ProcessPoolExecutor, processes: int, server: int | None) -> Turn:
    """Lists, cuts and scans everything under a root."""
    before = _cpu(server)
    start, mine = perf_counter(), process_time()
    files = list_files(root, None).files
    form = detect_format(files)
    tasks = cut_tasks(files, form, processes)
    listed = perf_counter() - start
    plan = ScanPlan(ReadPlan(form), tuple(COLUMN_STATES))
    theirs = sum(pool.map(partial(_scan_seconds, plan), tasks))
    return Turn(listed, perf_counter() - start, process_time() - mine + theirs, _cpu(server) - before)


def _scan_seconds(plan: ScanPlan, task: Task) -> float:
    start = process_time()
    if sum(batch.num_rows for batch in scan(task, plan)) == 0:
        raise SystemExit("nothing was read")
    return process_time() - start


def _cpu(process: int | None) -> float:
    """CPU seconds of a process so far."""
    if process is None:
        return 0.0
    user, system = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def uploaded(folders: list[Path], directory: Path) -> Iterator[tuple[list[str], int]]:
    """The folders in a bucket of a store that was started for them: their URIs, and the server's process id."""
    import boto3
    from botocore.config import Config

    with object_store(directory) as store:
        bucket = store.create_bucket("many-files")
        os.environ |= {
            "AWS_ENDPOINT_URL": store.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }
        client = boto3.client("s3", endpoint_url=store.endpoint, region_name="us-east-1", config=Config(max_pool_connections=UPLOADS))
        files = [path for folder in folders for path in sorted(folder.rglob("*.jsonl"))]
        with ThreadPoolExecutor(UPLOADS) as threads:
            root = folders[0].parent
            upload = partial(client.upload_file, Bucket="many-files")
            list(threads.map(lambda path: upload(Filename=str(path), Key=path.relative_to(root).as_posix()), files))
        print(f"{len(files):,} files uploaded", file=sys.stderr)
        yield [f"{bucket}/{folder.name}" for folder in folders], store.process.pid


def compare(few: str, many: str, read: Callable[[str], Turn], repeats: int, where: str) -> None:
    """Both in turn, after one turn that is not counted; prints a line each and the ratio."""
    turns: dict[str, list[Turn]] = {few: [], many: []}
    for number in range(repeats + 1):
        for root, found in turns.items():
            turn = read(root)
            if number:
                found.append(turn)
    for root, found in turns.items():
        columns = (f"{name} {median(getattr(turn, name) for turn in found):6.2f} s" for name in ("listed", "whole", "ours", "store"))
        print(f"{where:6} {Path(root).name:32} {'   '.join(columns)}   ({', '.join(f'{turn.whole:.2f}' for turn in found)})")
    ratio = median(turn.whole for turn in turns[many]) / median(turn.whole for turn in turns[few])
    print(f"{where:6} many ÷ few {ratio:.2f}", flush=True)


def main() -> None:
    """Measures on local disk, then from the store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=20_000, help="files (default 20,000)")
    parser.add_argument("--few", type=int, default=8, help="files (default 8)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each side (default 3)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that scan at a time (default: one a core)")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "hourglass-bench"), help="where the data are kept")
    arguments = parser.parse_args()
    folders = [data.captures(arguments.data, arguments.records, files) for files in (arguments.few, arguments.many)]
    with (
        tempfile.TemporaryDirectory() as directory,
        uploaded(folders, Path(directory)) as (remote, server),
        # spawned, so that none has the threads of another's S3 client; after the store is up, whose address they inherit
        ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool,
    ):
        read = partial(read_all, pool=pool, processes=arguments.processes)
        few, many = map(str, folders)
        compare(few, many, partial(read, server=None), arguments.repeats, "disk")
        few, many = remote
        compare(few, many, partial(read, server=server), arguments.repeats, "store")


if __name__ == "__main__":
    main()
