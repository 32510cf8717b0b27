"""`intercomd groups`: which chats the assistant answers in."""

from __future__ import annotations

import argparse

from intercomd.cli.client import DaemonClient, add_client_options, path_word, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.tables import render_json, render_table

SUMMARY = "list, add, change or remove the chats that the assistant answers in"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_action(actions, "list", "show the registered groups")
    add = _add_action(actions, "add", "register a chat, or change its settings")
    add.add_argument("jid", help="the chat: tg:-1001234, local:kitchen, 1234@g.us (`/chatid` in the chat tells it)")
    add.add_argument("folder", help="the group's folder name")
    add.add_argument("--name", help="how the group is shown (default: its folder)")
    add.add_argument("--trigger", default="", help="a further text that calls the assistant (default: @ and its name)")
    add.add_argument("--no-trigger", action="store_true", help="answer every text, not only those with the trigger")
    add.add_argument("--runtime", help="the agent program (default: runtimes.default_runtime)")
    add.add_argument("--model", help="the model (default: the runtime's)")
    network = _add_action(actions, "network", "decide what a group's sandboxes may reach; counts from the next one on")
    network.add_argument("folder")
    network.add_argument("network", choices=("none", "full"), help="none: the model alone; full: the host's network")
    remove = _add_action(actions, "remove", "unregister a group; its chat log and folder stay")
    remove.add_argument("folder")


def run(arguments: argparse.Namespace) -> int:
    actions = {"list": _list, "add": _add, "network": _set_network, "remove": _remove}
    return with_daemon(arguments, lambda daemon: actions[arguments.action](daemon, arguments))


def _list(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    answer = daemon.get("/v1/groups")
    if arguments.json:
        print(render_json(answer))
        return ExitCode.OK
    rows = [
        (
            group["folder"],
            group["jid"],
            group["name"],
            "every text" if not group["requires_trigger"] else group["trigger"] or "@name",
            group["runtime"],
            group["model"],
            group["network"],
            group["waiting_since"] if group["has_pending"] else None,
        )
        for group in answer["groups"]
    ]
    print(render_table(("FOLDER", "CHAT", "NAME", "ANSWERS", "RUNTIME", "MODEL", "NETWORK", "WAITING SINCE"), rows))
    return ExitCode.OK


def _add(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    body = {
        "jid": arguments.jid,
        "folder": arguments.folder,
        "name": arguments.name,
        "trigger": arguments.trigger,
        "requires_trigger": not arguments.no_trigger,
        "runtime": arguments.runtime,
        "model": arguments.model,
    }
    group = daemon.post("/v1/groups", body)
    print(render_json(group) if arguments.json else f"{group['jid']} is group {group['folder']}")
    return ExitCode.OK


def _set_network(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    group = daemon.put(f"/v1/groups/{path_word(arguments.folder)}/network", {"network": arguments.network})
    print(render_json(group) if arguments.json else f"{group['folder']}: network {group['network']}")
    return ExitCode.OK


def _remove(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    daemon.delete(f"/v1/groups/{path_word(arguments.folder)}")
    print(render_json({"removed": arguments.folder}) if arguments.json else f"{arguments.folder} is removed")
    return ExitCode.OK


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_client_options(parser)
    return parser
