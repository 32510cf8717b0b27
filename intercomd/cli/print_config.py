"""`intercomd print-config`: the settings as the daemon would have them."""

from __future__ import annotations

import argparse
import os

from intercomd.cli.settings_options import add_settings_options, settings_from
from intercomd.settings.rendering import render_json

SUMMARY = "print the settings in force as JSON, without passwords"


def configure(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)


def run(arguments: argparse.Namespace) -> int:
    print(render_json(settings_from(arguments, os.environ)))
    return 0
