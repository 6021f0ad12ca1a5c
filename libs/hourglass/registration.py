"""How the one-file-each packages fill their registries."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def import_all(package: str, path: list[str]) -> None:
    """Imports every module of a package in order of name, so that each registers what it defines."""
    for module in sorted(iter_modules(path), key=lambda found: found.name):
        import_module(f"{package}.{module.name}")
