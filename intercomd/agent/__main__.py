"""Lets `python3 -I -S -B <this file>` run the directory as a package, wherever it is mounted.

The parent directory goes to the end of the path, so nothing in it can stand in for the standard library.
"""

import sys

if not __package__:
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0])
    __package__ = __file__.split("/")[-2]

from .program import main

if __name__ == "__main__":
    sys.exit(main())
