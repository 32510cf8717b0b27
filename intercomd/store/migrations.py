"""Schema versions: `schema/<engine>/<number>.sql`, applied in order, each once, in one transaction under a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any

from intercomd.errors import SchemaMismatch

RunSql = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one statement in the open transaction and gives its rows."""


def apply_migrations(engine: str, place: str, run_sql: RunSql) -> None:
    """Bring the schema to the newest version inside the caller's transaction, which must exclude other migrations.

    `place` names the database in the text of `SchemaMismatch`, raised when a newer program has written the schema.
    """
    run_sql("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)")
    current = int(run_sql("SELECT COALESCE(MAX(version), 0) FROM schema_version")[0][0])
    scripts = read_scripts(engine)
    if current > len(scripts):
        raise SchemaMismatch(
            f"{place} has schema version {current}, this program knows versions up to {len(scripts)}: "
            "run the newer intercomd, or restore the backup made before the upgrade"
        )
    for version, script in enumerate(scripts[current:], start=current + 1):
        for statement in split_statements(script):
            run_sql(statement)
        run_sql(f"INSERT INTO schema_version (version) VALUES ({version:d})")


def read_scripts(engine: str) -> list[str]:
    """The scripts of an engine; the first is version 1."""
    folder = files(f"intercomd.store.schema.{engine}")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    expected = [f"{number:04d}.sql" for number in range(1, len(names) + 1)]
    if names != expected:
        raise ValueError(f"schema/{engine} must hold {expected}, holds {names}")
    return [(folder / name).read_text("utf-8") for name in names]


def split_statements(script: str) -> Iterator[str]:
    """The statements of a script; each ends with a semicolon at the end of a line."""
    for statement in script.split(";\n"):
        if statement.strip():
            yield statement.strip().removesuffix(";")
