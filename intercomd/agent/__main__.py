"""Lets `python3 -I -S -B <this file>` run the directory as a package, wherever it is mounted.

Without arguments it is the agent program; with `mcp [DIRECTORY]` the server of its tools.
The parent directory goes to the end of the path, so nothing in it can stand in for the standard library.
"""

import sys

if not __package__:
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0])
    __package__ = __file__.split("/")[-2]


def main(arguments: list[str]) -> int:
    """Each program imports only what it needs: the agent is to be there in milliseconds."""
    if arguments[:1] == ["mcp"]:
        from .mcp_server import main as serve_tools

        return serve_tools(*arguments[1:2])
    from .program import main as run_agent

    return run_agent()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
