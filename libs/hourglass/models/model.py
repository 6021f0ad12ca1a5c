"""What a model is, the registry of the kinds that there are, and the way from a file or an address to a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from hourglass import storage
from hourglass.errors import EnvironmentFault, HourglassError, InputError, ModelError, did_you_mean, shorten
from hourglass.models.checked import Checked
from hourglass.models.loaded import Loaded, told
from hourglass.models.rows import Rows
from hourglass.values import Floats

_KEPT = 4  # models that a process holds: a baseline's, a live one's, and room for a second variant
_SECRETS = re.compile(r"^(https?://)([^/?#]*@)?([^?#]*)(.+)?$", re.DOTALL)  # user, and query or fragment


class Model(Protocol):
    """A model that answers rows with numbers.

    `names` are the features it was made with and `labels` the names of its outputs, where it knows them; `estimator` is
    the library's own object, for explainers that look inside, None where there is none.
    """

    kind: str
    names: tuple[str, ...] | None
    labels: tuple[str, ...] | None
    estimator: Any

    def predict(self, rows: Rows) -> Floats:
        """Finite numbers, rows × outputs; of a classifier with two classes the probability of the second one only."""
        ...

    def inputs(self, rows: Rows) -> Any:
        """The rows as `estimator` takes them: its features in its order, with its codes of categories."""
        ...


@dataclass(frozen=True, repr=False)
class Predictor:
    """Which model is asked, and how; its text holds no secret of an address.

    `source` is a path or URI of a file or folder, an http(s) address, or `sagemaker:ENDPOINT`. The rest but for
    `trust_pickle` is for endpoints, in SageMaker Clarify's words: `probability` (or else `label`) says where the score is,
    `labels` are the `label_headers`, `variant` is SageMaker's target variant. A call has at most `batch_rows` rows and
    takes at most `timeout_s` seconds; a call that fails for a reason that may pass is made `attempts` times.

    >>> Predictor("https://user:word@host/score?key=abc", timeout_s=5)
    Predictor('https://host/score?…', timeout_s=5)
    """

    source: str
    trust_pickle: bool = False
    content_type: str = "text/csv"
    accept_type: str | None = None
    content_template: str | None = None
    record_template: str | None = None
    label: str | None = None
    probability: str | None = None
    labels: tuple[str, ...] = ()
    variant: str | None = None
    batch_rows: int = 1000
    timeout_s: float = 60.0
    attempts: int = 4

    @property
    def name(self) -> str:
        """The source as people may see it: without an address's user, password and query."""
        return _SECRETS.sub(lambda match: f"{match[1]}{match[3]}{'?…' if match[4] else ''}", self.source)

    def __repr__(self) -> str:
        told = [f"{field.name}={value!r}" for field in fields(self)[1:] if (value := getattr(self, field.name)) != field.default]
        return f"Predictor({', '.join([repr(self.name), *told])})"


F = TypeVar("F", bound=Callable[[Predictor], Loaded])


@dataclass(frozen=True)
class Kind:
    """A registered way to open a model, and what its sources look like."""

    name: str
    opened_by: Callable[[Predictor], Loaded]
    suffixes: tuple[str, ...]
    prefixes: tuple[str, ...]
    marker: str | None

    @property
    def sources(self) -> str:
        """What a source of this kind looks like.

        >>> Kind("ONNX", open, (".onnx",), (), None).sources
        '*.onnx (ONNX)'
        """
        files = [f"*{suffix}" for suffix in self.suffixes]
        files += [f"{prefix}…" for prefix in self.prefixes]
        files += [f"a folder with {self.marker}"] if self.marker else []
        return f"{', '.join(files)} ({self.name})"


KINDS: dict[str, Kind] = {}


def opens(name: str, *, suffixes: tuple[str, ...] = (), prefixes: tuple[str, ...] = (), marker: str | None = None) -> Callable[[F], F]:
    """Registers a function that opens the models whose file ends, or whose address begins, like this.

    A `marker` is a file that makes a folder one of this kind.
    """

    def register(function: F) -> F:
        KINDS[name] = Kind(name, function, suffixes, prefixes, marker)
        return function

    return register


def open_model(predictor: Predictor) -> Model:
    """The model, loaded once in a process until its file changes; each of its predictions is checked.

    InputError when there is no such file or kind, ModelError when it does not load, EnvironmentFault when its package is missing.
    """
    return _opened(predictor, _stamp(predictor.source))


def fingerprint(predictor: Predictor) -> str:
    """SHA-256 of the model's bytes, of a folder with the names in it. It tells two versions apart.

    Of an endpoint it is that of its address and of how it is asked, which is all that can be known; without user and password.
    """
    if _is_endpoint(predictor.source):
        parts = urlsplit(predictor.source)
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        return hashlib.sha256(f"{address} {predictor!r}".encode()).hexdigest()
    digest = hashlib.sha256()
    for name, path in files_of(predictor.source):
        data = storage.read_bytes(path)
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def files_of(source: str) -> list[tuple[str, str]]:
    """The files that make a model, by their name in its folder, in order; one with the name "" where it is a file."""
    source = storage.normalise(source)
    if not storage.is_directory(source):
        return [("", source)]
    found = (storage.spelled(info.path, source) for info in storage.listing(source, recursive=True) if info.is_file)
    return [(path.removeprefix(f"{source}/"), path) for path in found]


def read_model(predictor: Predictor) -> bytes:
    """The bytes of a model's file."""
    return storage.read_bytes(storage.normalise(predictor.source))


def package(module: str, name: str) -> Any:
    """An imported module of a package that only models of one kind need; EnvironmentFault when it does not import."""
    try:
        return import_module(module)
    except (ImportError, OSError) as fault:  # OSError: a system's library that the package links to, such as libgomp
        raise EnvironmentFault(
            f"package {name}", found=fault, expected="a package that imports", hint='pip install "hourglass-monitor[models]"'
        ) from fault


def need_trust(predictor: Predictor, found: str) -> None:
    """InputError unless the user said that the file is trusted."""
    if not predictor.trust_pickle:
        raise InputError(
            f"model {predictor.name}",
            found=f"{found}, which runs code when it is loaded",
            expected="--trust-pickle, where you know who made it",
            hint="a file without code: *.onnx, *.skops, XGBoost's *.json, LightGBM's *.txt",
        )


def _is_endpoint(source: str) -> bool:
    return source.startswith(tuple(prefix for kind in KINDS.values() for prefix in kind.prefixes))


def _stamp(source: str) -> tuple[Any, ...]:
    """What changes when a model's files change; cheaper than reading them."""
    if _is_endpoint(source):
        return ()
    return tuple((name, info.mtime_ns, info.size) for name, path in files_of(source) for info in [storage.file_info(path)])


@lru_cache(maxsize=_KEPT)
def _opened(predictor: Predictor, stamp: tuple[Any, ...]) -> Model:  # noqa: ARG001 a changed file is another model
    kind = _kind_of(predictor)
    try:
        loaded = kind.opened_by(predictor)
    except HourglassError:
        raise
    except Exception as fault:
        raise ModelError(
            f"model {predictor.name}",
            found=told(fault),
            expected=f"a model that loads as {kind.name}",
            hint="was it saved by another version of the package?",
        ) from fault
    return Checked(loaded, predictor.name, predictor.labels)


def _kind_of(predictor: Predictor) -> Kind:
    """The kind of a source, by its beginning, its suffix, or the file that marks its folder."""
    source = predictor.source
    for kind in KINDS.values():
        if source.startswith(kind.prefixes):
            return kind
    suffix = PurePosixPath(storage.normalise(source)).suffix.lower()
    for kind in KINDS.values():
        if suffix in kind.suffixes:
            return kind
    names = [name for name, _ in files_of(source)]
    for kind in KINDS.values():
        if kind.marker in names:
            return kind
    known = [suffix for kind in KINDS.values() for suffix in kind.suffixes]
    raise InputError(
        f"model {predictor.name}",
        found=f"the suffix {suffix!r}" if names == [""] else f"a folder with {shorten(', '.join(names)) or 'nothing in it'}",
        expected=f"one of {'; '.join(kind.sources for kind in KINDS.values())}",
        hint=did_you_mean(suffix, known),
    )
