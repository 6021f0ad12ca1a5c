"""The format of files, found out by a look at the first of them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence

from hourglass import storage
from hourglass.capture.documents import load
from hourglass.capture.files import InputFile
from hourglass.capture.formats import DatasetFormat

_LOOK = 1 << 20


def detect_format(files: Sequence[InputFile]) -> DatasetFormat:
    """Parquet by its magic bytes, captured or merged records and JSON by their first line, else CSV.

    CSV has a header when no field of its first line is a number and all differ. Without files it is the format of
    endpoint captures.
    """
    if not files:
        return DatasetFormat("capture")
    head = _head(next((file for file in files if file.size), files[0]))
    if head.startswith(b"PAR1"):
        return DatasetFormat("parquet")
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0]
    if not line.startswith((b"{", b"[")):
        return DatasetFormat("csv", header=_is_header(line.decode("utf-8", "replace").strip()))
    try:
        document = load(line)
    except (ValueError, UnicodeDecodeError):
        document = None
    if isinstance(document, dict) and "captureData" in document:
        return DatasetFormat("merge" if "groundTruthData" in document else "capture")
    if document is None and b'"captureData"' in head:
        return DatasetFormat("capture")
    return DatasetFormat("json")


def _head(file: InputFile) -> bytes:
    files, inner = storage.filesystem(file.path)
    with files.open_input_file(inner) as stream:
        data = bytes(stream.read(_LOOK))
        if not data.startswith(b"\x1f\x8b"):
            return data
        stream.seek(0)
        try:
            return gzip.GzipFile(fileobj=stream).read(_LOOK)
        except (EOFError, OSError):
            return b""


def _is_header(line: str) -> bool:
    fields = next(csv.reader([line]), [])
    return len(set(fields)) == len(fields) > 0 and not any(_is_number(field) or not field for field in fields)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
