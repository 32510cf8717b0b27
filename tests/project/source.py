"""The project's own files as the checks in this folder read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """A Python file: `name` is its path below the root."""

    name: str
    package: str
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return self.name

    def imports(self) -> Iterator[str]:
        """Dotted names of the modules it imports, wherever the import stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module

    def dotted_names(self) -> Iterator[str]:
        """What it reads from modules and objects: `time.sleep`, `os.environ`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"


@cache
def modules(folder: str) -> tuple[Module, ...]:
    """All Python files below `folder`, in order."""
    return tuple(_parse(path) for path in sorted((ROOT / folder).rglob("*.py")))


def _parse(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    inside = path.relative_to(ROOT).parts[1:]
    return Module("/".join(path.relative_to(ROOT).parts), inside[0].removesuffix(".py"), text, ast.parse(text))
