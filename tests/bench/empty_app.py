"""An empty Falcon application on Waitress as it comes, in a process of its own: what HTTP costs before we do anything.

`python -m tests.bench.empty_app` prints its URL and serves until it is killed.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import falcon
from waitress import create_server

from intercomd.settings.model import Server

_STOP_S = 10.0


class _Nothing:
    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {}


@contextmanager
def empty_app() -> Iterator[str]:
    """Its URL while it runs."""
    process = subprocess.Popen((sys.executable, "-m", "tests.bench.empty_app"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate(timeout=_STOP_S)


def main() -> int:
    """With as many threads as the daemon has by default, and nothing logged."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App()
    app.add_route("/", _Nothing())
    server = create_server(app, host="127.0.0.1", port=0, threads=Server().threads)
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
