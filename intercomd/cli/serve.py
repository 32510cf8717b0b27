"""`intercomd serve`: run the daemon in the foreground."""

from __future__ import annotations

import argparse
import os

from intercomd import logs
from intercomd.cli.settings_options import add_settings_options, settings_from

SUMMARY = "run the daemon until SIGTERM or SIGINT"


def configure(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)


def run(arguments: argparse.Namespace) -> int:
    settings = settings_from(arguments, os.environ)
    logs.configure(settings.log.level)
    # Here and not above: `--help` and a configuration that cannot be used do without the whole daemon.
    from intercomd.daemon.serving import serve

    return serve(settings)
