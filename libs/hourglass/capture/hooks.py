"""Users' scripts: `preprocess_handler` once a record, `postprocess_handler` once after success.

Only a path that the settings name is ever run. The text is read once, by the driver, and sent to the workers.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import inspect
import linecache
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from hourglass import storage
from hourglass.capture.documents import Row, flatten
from hourglass.errors import HookError, shorten
from hourglass.stages import stage

PREPROCESS, POSTPROCESS = "preprocess_handler", "postprocess_handler"
FAILURES = (Exception, SystemExit)  # a script that calls sys.exit(0) must not end the job as a success


@dataclass(frozen=True)
class Script:
    """A script's path and text, and what errors call it."""

    path: str
    text: str
    role: str = "hook script"

    @classmethod
    def read(cls, path: str, role: str = role) -> Script:
        """The script at a path or URI."""
        path = storage.normalise(path)
        try:
            return cls(path, storage.read_bytes(path).decode("utf-8-sig"), role)
        except UnicodeDecodeError as fault:
            raise HookError(f"{role} {path}", found=str(fault), expected="Python source in UTF-8") from fault

    def load(self) -> ModuleType:
        """The script as a module of its own; HookError, with the script's own traceback, when it fails."""
        try:
            return _load(self)
        except FAILURES as fault:
            raise HookError(f"{self.role} {self.path}", found=own_traceback(fault, self.path), expected="a script that loads") from fault

    def handler(self, name: str) -> Callable[..., Any]:
        """The function of that name; HookError when the script fails to load or has none."""
        return self.function(self.load(), name)

    def function(self, module: ModuleType, name: str) -> Callable[..., Any]:
        """A function of the loaded script; HookError when it has none of that name."""
        function = getattr(module, name, None)
        if not callable(function):
            raise HookError(
                f"{self.role} {self.path}",
                found=", ".join(sorted(n for n, value in vars(module).items() if inspect.isfunction(value))) or "no function",
                expected=f"a function {name}",
            )
        return function  # type: ignore[no-any-return]


class _Source(importlib.abc.InspectLoader):
    def __init__(self, script: Script, *, empty_lists: bool = False) -> None:
        self._flatten = partial(flatten, empty_lists=empty_lists)
        self._script = script

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 the loader has one module only
        return self._script.text

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_source(fullname), self._script.path)


def _load(script: Script) -> ModuleType:
    loader = _Source(script)
    spec = importlib.util.spec_from_loader("hourglass_hook", loader, origin=script.path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    module.__file__ = script.path
    lines = script.text.splitlines(keepends=True)
    linecache.cache[script.path] = (len(script.text), None, lines, script.path)  # tracebacks show the user's own lines
    loader.exec_module(module)
    return module


class _Part:
    """One side of a captured record, as hook scripts see it."""

    def __init__(self, part: dict[str, Any]) -> None:
        self.data = part.get("data")
        self.encoding = part.get("encoding")
        self.observedContentType = part.get("observedContentType")
        self.mode = part.get("mode")
        self.event_dict = part

    def as_dict(self) -> dict[str, Any]:
        """The part as it was captured."""
        return self.event_dict


class _Metadata:
    def __init__(self, part: dict[str, Any]) -> None:
        self.event_id = part.get("eventId")
        self.event_time = part.get("inferenceTime")
        self.custom_attribute = part.get("customAttributes")
        self.inference_id = part.get("inferenceId")
        self.event_dict = part

    def as_dict(self) -> dict[str, Any]:
        """The metadata as they were captured."""
        return self.event_dict


class _EventData:
    """The older shape: `inference_record.event_data.endpointInput.data`."""

    def __init__(self, capture: dict[str, Any]) -> None:
        for name in ("endpointInput", "endpointOutput", "batchTransformOutput"):
            setattr(self, name, _part(capture, name))


def _part(capture: dict[str, Any], name: str) -> _Part | None:
    part = capture.get(name)
    return _Part(part) if isinstance(part, dict) else None


class InferenceRecord:
    """A captured record as `preprocess_handler` gets it; the names are the contract's."""

    def __init__(self, event: dict[str, Any]) -> None:
        found = event.get("captureData")
        capture = found if isinstance(found, dict) else {}
        self.event_dict = event
        self.endpoint_input = _part(capture, "endpointInput")
        self.endpoint_output = _part(capture, "endpointOutput")
        self.batch_transform_output = _part(capture, "batchTransformOutput")
        self.ground_truth = _Part(event["groundTruthData"]) if isinstance(event.get("groundTruthData"), dict) else None
        metadata = event.get("eventMetadata")
        self.event_metadata = _Metadata(metadata if isinstance(metadata, dict) else {})
        self.event_version = event.get("eventVersion")
        self.event_data = _EventData(capture)

    def as_dict(self) -> dict[str, Any]:
        """The whole record."""
        return self.event_dict


class Preprocessor:
    """A loaded `preprocess_handler`, called once a record."""

    def __init__(self, script: Script, *, empty_lists: bool = False) -> None:
        self._flatten = partial(flatten, empty_lists=empty_lists)
        self._path = script.path
        self._handler = script.handler(PREPROCESS)
        self._arguments: tuple[Any, ...] = ()
        if _takes_logger(self._handler):
            self._arguments = (logging.getLogger("hourglass.hook"),)

    def rows(self, record: InferenceRecord | str, place: Callable[[], str], text: Callable[[], str]) -> list[Row]:
        """The rows that the hook makes of a record, columns in lexicographic order of their names.

        HookError with the hook's own traceback, the record's place and its shortened text, when it fails.
        """
        try:
            result = self._handler(record, *self._arguments)
        except FAILURES as fault:
            raise self._failure(own_traceback(fault, self._path), place(), text()) from fault
        if isinstance(result, dict):
            result = [result]
        if not isinstance(result, list) or not all(isinstance(row, dict) for row in result):
            raise self._failure(f"a {type(result).__name__}", place(), text())
        try:
            return [{str(name): row[name] for name in sorted(row, key=str)} for row in map(self._flatten, result)]
        except ValueError as fault:
            raise self._failure(str(fault), place(), text()) from fault

    def _failure(self, found: str, place: str, text: str) -> HookError:
        return HookError(
            f"{PREPROCESS} of {self._path} at {place}, record {shorten(text.strip())}",
            found=found,
            expected="a flat dict, a list of dicts, or [] to drop the record",
        )


@stage("postprocess")
def postprocess(script: Script) -> None:
    """Runs `postprocess_handler()`."""
    handler = script.handler(POSTPROCESS)
    try:
        handler()
    except FAILURES as fault:
        raise HookError(f"{POSTPROCESS} of {script.path}", found=own_traceback(fault, script.path), expected="no error") from fault


def _takes_logger(handler: Callable[..., Any]) -> bool:
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError):
        return False
    return len(parameters) >= 2 and parameters[1].kind is not inspect.Parameter.KEYWORD_ONLY


def own_traceback(fault: BaseException, path: str) -> str:
    """The traceback from the user's first frame on, without the program around it.

    A fault that did not pass through the script, such as a syntax error, has only its last line.
    """
    frames = traceback.extract_tb(fault.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename == path), len(frames))
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames[first:])] if first < len(frames) else []
    return "\n" + "".join([*lines, *traceback.format_exception_only(fault)]).rstrip()
