"""A checked copy of the embedded store, made while a daemon may be writing to it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from intercomd.errors import StoreError


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What was read back from the finished copy."""

    schema_version: int
    chat_messages: int
    size_bytes: int


def copy_database(source: Path, target: Path) -> CopyFacts:
    """Copy the database at one instant to the new file `target`, for its owner only.

    `VACUUM INTO` reads in one transaction, so writers neither wait nor show up half (sqlite.org/lang_vacuum.html). The
    file gets its name only after it was checked and is on the disk. Raises `StoreError`; an existing target is one.
    """
    if not source.is_file():
        raise StoreError(f"{source}: there is no such database")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error
    os.close(descriptor)
    draft = Path(name)
    try:
        # `rw` and not `ro`: after a crash the database needs its log replayed. Neither creates a missing file.
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(draft),))
        facts = _check(draft)
        _sync(draft)
        target.hardlink_to(draft)  # unlike a rename it never replaces a file
        _sync(target.parent)
    except sqlite3.Error as error:
        raise StoreError(f"{source}: cannot be copied: {error}") from error
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return facts


def _check(copy: Path) -> CopyFacts:
    with closing(sqlite3.connect(copy)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(f"the copy is damaged, and so is its source: {verdict}")
        if stray := connection.execute("PRAGMA foreign_key_check").fetchone():
            raise StoreError(f"the copy is damaged, and so is its source: a row of {stray[0]} refers to nothing")
        (version,) = connection.execute("SELECT MAX(version) FROM schema_version").fetchone()
        (messages,) = connection.execute("SELECT COUNT(*) FROM chat_messages").fetchone()
    return CopyFacts(version, messages, copy.stat().st_size)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
