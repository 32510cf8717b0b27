"""One accepting thread for all doors: nobody who speaks to it is held up by it."""

from __future__ import annotations

import socket
import threading

from intercomd.gateway.switchboard import Listener, Switchboard
from tests.support.waiting import join, wait_for

MORE_THAN_A_SOCKET_HOLDS = 5_000


def test_accepting_thread_that_is_busy_holds_up_nobody() -> None:
    """However often it is called meanwhile, those who call go on, and so does it when it is done."""
    switchboard = Switchboard()
    is_busy, may_go_on = threading.Event(), threading.Event()

    def accepted(connection: socket.socket) -> None:
        connection.close()
        is_busy.set()
        wait_for(may_go_on, "the calls are through")

    listener = Listener(socket.create_server(("127.0.0.1", 0)), accepted)
    switchboard.add(listener)
    (accepting,) = [thread for thread in threading.enumerate() if thread.name == "gateway-accept"]
    with socket.create_connection(listener.listening.getsockname()):
        wait_for(is_busy, "the thread accepts")

        def call() -> None:
            for _ in range(MORE_THAN_A_SOCKET_HOLDS):
                switchboard.resume(listener)

        calling = threading.Thread(target=call, daemon=True)
        calling.start()
        try:
            join(calling)
        finally:
            may_go_on.set()
    switchboard.remove(listener)
    join(accepting)
