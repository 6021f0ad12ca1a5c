"""Hook scripts: loaded from text, run with their own names, and blamed with their own lines."""

from pathlib import Path

import pytest

from hourglass.capture.hooks import PREPROCESS, Script, postprocess
from hourglass.errors import HookError


def test_a_script_is_read_with_its_byte_order_mark_off(tmp_path: Path) -> None:
    """Editors put one there; Python refuses it."""
    path = tmp_path / "hook.py"
    path.write_bytes(b"\xef\xbb\xbfdef preprocess_handler(r): return {'a': __file__}")
    assert Script.read(str(path)).handler(PREPROCESS)(None) == {"a": str(path)}


def test_a_postprocessor_runs_once_without_arguments(tmp_path: Path) -> None:
    """It may do what it likes, such as to write a file."""
    postprocess(Script("/p.py", f"def postprocess_handler():\n    open({str(tmp_path / 'done')!r}, 'x').close()\n"))
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def other(): return 1", "found other; expected a function preprocess_handler"),
        ("preprocess_handler = 5", "found no function; expected a function preprocess_handler"),
        ("def preprocess_handler(:", 'File "/hook.py", line 1\n'),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(0)", "SystemExit"),
    ],
)
def test_a_script_that_cannot_be_used_says_why(text: str, message: str) -> None:
    """A syntax error, a missing package or another name of the function is shown as the script's own fault."""
    with pytest.raises(HookError) as raised:
        Script("/hook.py", text).handler(PREPROCESS)
    assert message in str(raised.value)


def test_a_failing_postprocessor_shows_its_own_line() -> None:
    """The traceback begins in the script."""
    with pytest.raises(HookError) as raised:
        postprocess(Script("/p.py", "def postprocess_handler():\n    return [][0]\n"))
    assert '  File "/p.py", line 2, in postprocess_handler\n    return [][0]' in str(raised.value)
    assert "IndexError" in str(raised.value)
