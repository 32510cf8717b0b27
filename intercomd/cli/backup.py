"""`intercomd backup`: a checked copy of the embedded store, while the daemon runs or not."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from intercomd.cli.settings_options import add_settings_options, settings_from
from intercomd.errors import IntercomError
from intercomd.store.sqlite_copy import copy_database

SUMMARY = "copy the embedded store to a new file, also while the daemon runs"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the new file; an existing one is never replaced")
    add_settings_options(parser)


def run(arguments: argparse.Namespace) -> int:
    storage = settings_from(arguments, os.environ).storage
    if storage.postgres_dsn is not None:
        raise IntercomError("the store is in Postgres: use pg_dump, as docs/operations.md shows")
    facts = copy_database(storage.sqlite_path, arguments.file)
    print(
        f"{storage.sqlite_path} copied to {arguments.file} and checked: schema {facts.schema_version}, "
        f"{facts.chat_messages} chat messages, {facts.size_bytes} bytes"
    )
    return 0
