"""An environment of its own for every peer, made once from exact versions."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements")
# as in the Makefile, where the tests' Deequ comes from
DEEQU = ("com.amazon.deequ", "deequ", "2.0.7-spark-3.5")
DEEQU_SHA256 = "97c2736b1d9df4d4bb3303dd1eaa5f42db70605c79be1769ba9ef5c0cd744faa"


def environment(root: Path, name: str) -> Path:
    """The environment's Python; made if it is not there, or if its versions changed."""
    if name == "hourglass":
        return Path(sys.executable)
    wanted, stamp, python = (REQUIREMENTS / f"{name}.txt").read_text("utf-8"), root / name / ".stamp", root / name / "bin" / "python"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print(f"setting up {root / name}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", root / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS / f"{name}.txt"], check=True)
        if name == "deequ":
            _fetch_deequ(root / name)
        stamp.write_text(wanted, "utf-8")
    return python


def deequ_jar(root: Path) -> Path:
    """Where Deequ's jar lies once its environment is made."""
    return root / "deequ" / "deequ.jar"


def _fetch_deequ(folder: Path) -> None:
    """Deequ is on Maven Central only; Spark brings Ivy, which knows the way there."""
    ivy = next(folder.glob("lib/python3*/site-packages/pyspark/jars/ivy-*.jar"))
    options = ["-error", "-m2compatible", "-notransitive", "-confs", "default", "-cache", folder / "ivy"]
    found = folder / "[artifact].[ext]"
    subprocess.run(["java", "-jar", ivy, *options, "-dependency", *DEEQU, "-retrieve", found], check=True, stdout=sys.stderr)  # noqa: S607 java is where the PATH says
    jar = folder / "deequ.jar"
    if hashlib.sha256(jar.read_bytes()).hexdigest() != DEEQU_SHA256:
        raise SystemExit(f"{jar}: found another file than the one whose hash is written in {__file__}")
