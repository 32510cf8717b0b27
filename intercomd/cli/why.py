"""`intercomd why`: what was decided about a message or a task, and where it stands."""

from __future__ import annotations

import argparse

from intercomd.cli.client import DaemonClient, add_client_options, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import plain, render_json

SUMMARY = "say why a message was answered, or not, and what became of a task"
_EXAMPLES = """examples:
  intercomd why local:kitchen       the newest message of a chat
  intercomd why local:kitchen#7     message 7 of a chat
  intercomd why kitchen             the newest message of the group in the folder kitchen
  intercomd why kitchen/3           task 3 of the group in the folder kitchen, or by its id
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("about", metavar="MESSAGE|TASK|CHAT", help="what to explain")
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_client_options(parser)


def run(arguments: argparse.Namespace) -> int:
    return with_daemon(arguments, lambda daemon: _explain(daemon, arguments))


def _explain(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    found = daemon.get("/v1/why", about=arguments.about)
    if arguments.json:
        print(render_json(found))
        return ExitCode.OK
    print(plain(found["subject"]))
    print(plain(found["standing"]))
    if found["steps"]:
        print()
    for step in found["steps"]:
        run_id = f"  {step['run_id']}" if step["run_id"] else ""
        print(plain(f"{step['at'].replace('T', ' ')}  {step['text']}  [{step['code']}]{run_id}"))
    return ExitCode.OK
