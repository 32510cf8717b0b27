"""`intercomd chat`: talk to the assistant in the terminal."""

from __future__ import annotations

import argparse
import sys

from intercomd.cli.client import DaemonClient, add_client_options, with_daemon
from intercomd.cli.conversation import Conversation
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.local_chat import LocalChat
from intercomd.cli.say import say
from intercomd.cli.screen import Screen

SUMMARY = "talk to the assistant in the terminal, or ask one thing with --say"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--chat", default="main", metavar="NAME", help="the chat to talk in (default: main)")
    parser.add_argument("--say", metavar="TEXT", help="send one text, print the reply and end")
    parser.add_argument(
        "--wait", type=float, default=60.0, metavar="SECONDS", help="how long --say waits for the reply (default: 60)"
    )
    parser.add_argument(
        "--history", type=_history, default=20, metavar="N", help="earlier messages to show, 0 to 500 (default: 20)"
    )
    add_client_options(parser)


def run(arguments: argparse.Namespace) -> int:
    return with_daemon(arguments, lambda daemon: _chat(daemon, arguments))


def _chat(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    if arguments.say is not None:
        return say(LocalChat(daemon, arguments.chat), arguments.say, arguments.wait)
    try:
        Conversation(daemon, Screen(sys.stdout), arguments.history).hold(arguments.chat, sys.stdin)
    except KeyboardInterrupt:
        print()
    return ExitCode.OK


def _history(text: str) -> int:
    if not text.isdigit() or int(text) > 500:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 500")
    return int(text)
