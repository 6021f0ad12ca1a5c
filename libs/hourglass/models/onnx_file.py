"""ONNX files, by onnxruntime."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hourglass import storage
from hourglass.errors import ModelError
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens, package, read_model
from hourglass.models.rows import Rows

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_REAL = ("tensor(float)", "tensor(double)", "tensor(float16)")
_ERRORS_ONLY = 3


@opens("ONNX", suffixes=(".onnx",))
def open_onnx(predictor: Predictor) -> Loaded:
    """A graph with one input for all features, or several that share them out in order.

    Where each input is one column, its name is the feature's. ONNX has no missing text; it gets "". Of several outputs the
    one named after probabilities is taken, else the first of real numbers.
    """
    runtime = package("onnxruntime", "onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # Spark has a task for each core
    options.log_severity_level = _ERRORS_ONLY
    source = storage.normalise(predictor.source)
    # by path where there is one: large models keep their weights in files beside them
    graph = source if storage.is_local(source) else read_model(predictor)
    session = runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    output = _scores(outputs)
    second_only = any(other.type in {"tensor(int64)", "tensor(string)"} for other in outputs if other is not output)

    def ask(columns: Any) -> Any:
        (answer,) = session.run([output.name], columns)
        table = np.array([list(row.values()) for row in answer]) if isinstance(answer, list) else answer
        return table[:, 1] if second_only and table.ndim == 2 and table.shape[1] == 2 else table

    by_column = len(inputs) > 1 and all(_width(one) == 1 for one in inputs)
    return Loaded(
        "onnx",
        shape=lambda rows: _feed(inputs, rows, predictor.name),
        ask=ask,
        names=tuple(one.name for one in inputs) if by_column else None,
        estimator=session,
    )


def _scores(outputs: Sequence[Any]) -> Any:
    """The output with the scores; the first one where none is of real numbers."""
    real = [output for output in outputs if output.type in _REAL or output.type.startswith("seq(map(")]
    named = [output for output in real if "prob" in output.name.lower()]
    return (named or real or list(outputs))[0]


def _width(node: Any) -> int | None:
    """How many columns an input has, None where the graph leaves it open."""
    if len(node.shape) < 2:
        return 1
    return node.shape[1] if isinstance(node.shape[1], int) else None


def _feed(inputs: Sequence[Any], rows: Rows, source: str) -> dict[str, npt.NDArray[Any]]:
    """The columns, shared out to the inputs in order."""
    widths = [_width(node) for node in inputs]
    if len(inputs) == 1:
        widths = [widths[0] or len(rows.names)]
    known = [width for width in widths if width is not None]
    if len(known) < len(widths) or sum(known) != len(rows.names):
        raise ModelError(
            f"model {source}",
            found=f"{len(rows.names)} features",
            expected=" and ".join(
                f"{'any number of' if width is None else width} in {node.name}" for node, width in zip(inputs, widths, strict=True)
            ),
            hint="name the columns, and leave out what is no feature",
        )
    ends = list(itertools.accumulate(known, initial=0))
    return {
        node.name: _tensor(rows.select(range(start, end)), node, source)
        for node, (start, end) in zip(inputs, itertools.pairwise(ends), strict=True)
    }


def _tensor(rows: Rows, node: Any, source: str) -> npt.NDArray[Any]:
    wanted = _TYPES.get(node.type)
    if wanted is None:
        raise ModelError(f"model {source}", found=f"input {node.name} of {node.type}", expected=" or ".join(_TYPES))
    if wanted is np.object_:
        numbers = [name for name in rows.names if name not in rows.texts]
        if numbers:
            raise ModelError(f"model {source}", found=f"numbers in {', '.join(numbers)}", expected=f"texts, as input {node.name} has them")
        table = np.column_stack([rows.column(name) for name in rows.names])
        table[table == None] = ""  # noqa: E711 elementwise
    else:
        table, lacking = rows.numbers(), [] if node.type in _REAL else rows.lacking()
        if lacking:
            raise ModelError(
                f"model {source}",
                found=f"missing values of {', '.join(lacking)}",
                expected=f"values, since input {node.name} is {node.type}, which has no NaN",
            )
        table = table.astype(wanted)
    return table[:, 0] if len(node.shape) == 1 else table
