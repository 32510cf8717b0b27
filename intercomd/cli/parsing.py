"""Words of the command line, and the nearest one where a word is none of those that are allowed."""

from __future__ import annotations

import argparse
import difflib
from typing import Any


class Parser(argparse.ArgumentParser):
    """Parsers of subcommands are made of the same class."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            close = difflib.get_close_matches(str(value), map(str, action.choices or ()), n=1)
            if close:
                error.message += f"; did you mean {close[0]}?"
            raise
