"""`intercomd host`: run the host in the foreground."""

from __future__ import annotations

import argparse
import os

from intercomd import logs
from intercomd.cli.settings_options import add_settings_options, settings_from
from intercomd.host.environment import read_environment

SUMMARY = "run the host: local channel, callback server, and the orchestrator unless RUST_ORCHESTRATOR=true"
_ANY_PORT = "127.0.0.1:0"


def configure(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """`server.bind` is the daemon's, so the host's own API takes a free port unless `--bind` says where; clients find
    it through host.json. The toggle, not `orchestrator.enabled`, says whether the host orchestrates."""
    given = read_environment(os.environ)
    arguments.bind = arguments.bind or _ANY_PORT
    arguments.assignments = [*arguments.assignments, ("orchestrator.enabled", not given.toggle.is_taken_over)]
    settings = settings_from(arguments, os.environ)
    logs.configure(settings.log.level)
    # Here and not above: `--help` and a configuration that cannot be used do without the whole host.
    from intercomd.host.hosting import host

    return host(settings, given)
