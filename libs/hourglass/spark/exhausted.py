"""What Spark says when memory or disk has run out, in our words."""

from __future__ import annotations

from hourglass.errors import EnvironmentFault, HourglassError, OutOfMemory

_MEMORY = {  # what stands in the text of a failure
    "java.lang.OutOfMemoryError": OutOfMemory("Java at the end of its heap", "raise SPARK_DRIVER_MEMORY, 2g when absent"),
    "INVALID_DRIVER_MEMORY": OutOfMemory("a heap of Java that is too small for Spark", "raise SPARK_DRIVER_MEMORY to 512m or more"),
    "Python worker exited unexpectedly": OutOfMemory("a Python worker that was killed"),
    "MemoryError": OutOfMemory("none left for a Python worker"),
    "JAVA_GATEWAY_EXITED": OutOfMemory("Java ended at its start", "see its own words above; give the container or instance more memory"),
}
_DISK = "No space left on device"
# what py4j raises when nobody answers; an exception of Java's own is a class below Py4JError
_NOBODY = {"Py4JError", "Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError"}


def exhausted(fault: BaseException) -> HourglassError | None:
    """The failure of memory or disk that an exception of Spark's tells of; None for any other.

    >>> str(exhausted(RuntimeError("java.io.IOException: No space left on device")))
    'disk: found No space left on device, where Spark keeps what it is working on; expected more room. Hint: SPARK_LOCAL_DIRS says where'
    """
    if isinstance(fault, HourglassError):
        return None
    text = f"{type(fault).__name__}: {fault}"
    if _DISK in text:
        found = f"{_DISK}, where Spark keeps what it is working on"
        return EnvironmentFault("disk", found=found, expected="more room", hint="SPARK_LOCAL_DIRS says where")
    for words, failure in _MEMORY.items():
        if words in text:
            return failure
    return OutOfMemory("Java killed") if type(fault).__name__ in _NOBODY else None
