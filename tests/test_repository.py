"""Rules of the house that no other tool checks: what may lie in the repository, where Spark may act, what an import may do."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("libs", "jobs") for path in (ROOT / folder).rglob("*.py"))
PYPROJECT = ROOT / "pyproject.toml"
PROJECT = tomllib.loads(PYPROJECT.read_text())

LARGEST_FILE = 1 << 20
# others' files, kept byte for byte
DATA = ("tests/data/", "libs/hourglass/demo/data/")

ACTIONS = {"cache", "collect", "foreach", "foreachPartition", "localCheckpoint", "persist", "toArrow", "toLocalIterator", "toPandas"}
BOUNDARY = "libs/hourglass/spark/one_pass.py"
OWN_CHECKS = "libs/hourglass/spark/own_checks.py"
EXTRAS = ["demo", "attribution", "models"]  # in both environments
HEAVY = (
    *(
        "boto3",
        "jmespath",
        "lightgbm",
        "mlflow",
        "onnxruntime",
        "opentelemetry",
        "pandas",
        "pydeequ",
        "pypdf",
        "pyspark",
        "scipy.stats",
        "shap",
        "skops",
    ),
    *("sklearn", "urllib3", "vl_convert", "xgboost"),
)


def project_files() -> list[str]:
    """What is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 git is where the PATH says
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_of_project() -> Iterator[tuple[str, str]]:
    """Every line of text that we wrote, with its place."""
    for name in project_files():
        if name.startswith(DATA) or ROOT / name == Path(__file__):
            continue
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1):
            yield f"{name}:{number}", line


def calls(path: Path) -> Iterator[tuple[int, str, ast.Call]]:
    """Every `something.method(…)` in a file: line, method, call."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr, node


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_large():
    sizes = {name: (ROOT / name).stat().st_size for name in project_files()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_FILE} == {}


def test_no_address_of_a_package_index_is_written_down():
    address = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|pypi\.org|pythonhosted|artifactory|codeartifact|/simple\b")
    assert [where for where, line in lines_of_project() if address.search(line)] == []


def test_no_path_of_somebodys_machine_is_written_down():
    path = re.compile(r"(?<![\w.}$])/(home|root|Users|work|workspace)/\w")
    assert [where for where, line in lines_of_project() if path.search(line)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_a_lock_file_holds_names_versions_and_hashes_and_nothing_else(path):
    package = re.compile(r"[a-z0-9][a-z0-9._-]*==[\w.!+]+( ; [\w' .<>=!()*]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n")
    rest = package.sub("", path.read_text())
    assert rest == ""


def in_group(name: str) -> Iterator[str]:
    """What a dependency group asks for, with the groups that it includes."""
    for asked in PROJECT["dependency-groups"][name]:
        yield from [asked] if isinstance(asked, str) else in_group(asked["include-group"])


@pytest.mark.parametrize(
    ("group", "extras"), [("dev", [*EXTRAS, "otel"]), ("spark35", [*EXTRAS, "deequ"]), ("image", ["attribution", "models", "otel"])]
)
def test_the_locked_versions_are_those_that_the_project_asks_for(group, extras):
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements" / f"{group}.txt").read_text(), re.MULTILINE))
    asked = [
        *PROJECT["project"]["dependencies"],
        *(requirement for extra in extras for requirement in PROJECT["project"]["optional-dependencies"][extra]),
        *in_group(group),
    ]
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(locked[requirement.name.lower()]), f"{requirement}: run `make lock`"


def test_the_image_has_the_versions_that_the_tests_run_with():
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))

    assert versions("image") - versions("dev") == set()


def test_every_rule_that_is_switched_off_says_why():
    codes = re.compile(r'^    "(?P<code>[A-Z]+\d*)",\s*(?P<reason># \S.*)?$', re.MULTILINE)
    said = {match["code"] for match in codes.finditer(PYPROJECT.read_text()) if match["reason"]}
    lint = PROJECT["tool"]["ruff"]["lint"]
    off = {*lint["ignore"], *(code for codes in lint["per-file-ignores"].values() for code in codes)}
    assert off - said == set()


def test_every_noqa_says_why():
    reasoned = re.compile(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* \w")
    assert [
        where
        for where, line in lines_of_project()
        if where.partition(":")[0].endswith(".py") and "# noqa" in line and not reasoned.search(line)
    ] == []


def test_spark_acts_in_one_place_only():
    found = [
        f"{place(path)}:{line} {method}()"
        for path in SOURCES
        if place(path) != BOUNDARY
        for line, method, call in calls(path)
        # `count()` without arguments is a DataFrame's; a text's or a list's has one
        if method in ACTIONS or (method == "count" and not call.args and not call.keywords)
    ]
    assert found == []


def test_nothing_is_used_that_spark_connect_lacks():
    """But by users' own checks: pydeequ calls Deequ in the driver's JVM, which Connect hides."""
    lacking = {"rdd", "sparkContext", "_jvm", "_jsc"}
    found = [
        f"{place(path)}:{node.lineno} {node.attr}"
        for path in SOURCES
        if place(path) != OWN_CHECKS
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr in lacking
    ]
    assert found == []


def test_pyspark_is_imported_under_hourglass_spark_only():
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{place(path)}:{node.lineno}" for name in names if name.partition(".")[0] == "pyspark"]
    assert [where for where in found if not where.startswith("libs/hourglass/spark/")] == []


def test_nothing_happens_at_import(tmp_path):
    modules = [place(path).removeprefix("libs/").removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in SOURCES]
    modules = [name for name in modules if name.startswith("hourglass")]
    # one process for all: a heavy module is put down to the first of ours that brings it
    script = f"""
import importlib, json, os, sys, threading
environment, found, heavy = dict(os.environ), [], set({HEAVY!r})
for name in {modules!r}:
    importlib.import_module(name)
    brought = heavy & set(sys.modules)
    found += [f"{{name}} imports {{other}}" for other in sorted(brought)]
    heavy -= brought
found += ["a thread runs"] * (threading.active_count() > 1)
found += [f"{{key}} changed" for key in environment.keys() | os.environ.keys() if environment.get(key) != os.environ.get(key)]
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
    assert list(tmp_path.iterdir()) == []


def test_ci_runs_what_make_check_runs():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"^make .*\bcheck\b", script.read_text(), re.MULTILINE)


def test_make_explains_every_target():
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 as git
    assert re.findall(r"^  make (\S+)", help_text, re.MULTILINE) == phony[1].split()
