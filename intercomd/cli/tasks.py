"""`intercomd tasks`: what the assistant does by the clock."""

from __future__ import annotations

import argparse
import re
from typing import Any

from intercomd.cli.client import DaemonClient, add_client_options, path_word, with_daemon
from intercomd.cli.exit_codes import ExitCode
from intercomd.cli.schedule_options import add_schedule_options, schedule_fields
from intercomd.cli.tables import plain, render_json, render_table

SUMMARY = "list, add, change, pause, resume, cancel or run scheduled tasks"

_NUMBERED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)/([0-9]{1,9})")
_PROMPT_SHOWN = 40


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    every = _add_action(actions, "list", "show the tasks", "--group cooks")
    every.add_argument("--group", metavar="FOLDER", help="only this group's")
    every.add_argument("--limit", type=int, default=50, help="how many (default: 50)")
    every.add_argument("--after", metavar="ID", help="go on behind this task")
    _add_task_action(actions, "show", "show all that is known of a task", "cooks/3")

    add = _add_action(actions, "add", "save a task, and show when it fires", "cooks 'Plan dinner' --cron '0 9 * * 1-5'")
    add.add_argument("folder", help="the group that does it, and whose chat gets the answer")
    add.add_argument("prompt", help="what is to be done")
    add_schedule_options(add, is_required=True)
    _add_policies(add)
    add.add_argument("--id", help="an id of your own: the same command again makes no second task")
    add.add_argument("--dry-run", action="store_true", help="show when it would fire, and save nothing")

    edit = _add_task_action(actions, "edit", "change a task", "cooks/3 --every 2h --zone Europe/Vienna")
    edit.add_argument("--prompt", help="what is to be done")
    add_schedule_options(edit, is_required=False)
    _add_policies(edit)

    _add_task_action(actions, "pause", "let a task rest", "cooks/3")
    _add_task_action(actions, "resume", "let a task go on, without what was missed", "cooks/3")
    _add_task_action(actions, "cancel", "remove a task", "cooks/3")
    run_now = _add_task_action(actions, "run", "run a task now, beside its schedule", "cooks/3")
    run_now.add_argument("--id", help="an id of your own: the same command again runs it once")
    preview = _add_action(actions, "preview", "show when a schedule fires", "--cron '30 2 * * *' --zone Europe/Vienna")
    add_schedule_options(preview, is_required=True)
    fires = _add_task_action(actions, "fires", "show what became of a task's fire times", "cooks/3")
    fires.add_argument("--limit", type=int, default=20, help="how many (default: 20)")


def run(arguments: argparse.Namespace) -> int:
    actions = {
        "list": _list,
        "show": _show,
        "add": _add,
        "edit": _edit,
        "pause": _change_state,
        "resume": _change_state,
        "cancel": _cancel,
        "run": _run_now,
        "preview": _preview,
        "fires": _fires,
    }
    return with_daemon(arguments, lambda daemon: actions[arguments.action](daemon, arguments))


def _list(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    answer = daemon.get("/v1/tasks", group=arguments.group, limit=arguments.limit, after=arguments.after)
    if arguments.json:
        print(render_json(answer))
        return ExitCode.OK
    headers = ("TASK", "STATUS", "SCHEDULE", "ZONE", "NEXT", "PROMPT", "ID")
    print(render_table(headers, [_row(task) for task in answer["tasks"]]))
    if answer["next"]:
        print(f"There may be more: --after {answer['next']}")
    return ExitCode.OK


def _show(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    task = daemon.get(_path_of(daemon, arguments.task))
    if arguments.json:
        print(render_json(task))
        return ExitCode.OK
    width = max(map(len, task))
    for key, value in task.items():
        print(f"{key:{width}}  {'-' if value is None else plain(str(value))}")
    return ExitCode.OK


def _add(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    schedule = schedule_fields(arguments)
    preview = daemon.post("/v1/tasks/preview", schedule)
    if arguments.dry_run:
        print(render_json(preview) if arguments.json else _previewed(preview))
        return ExitCode.OK
    wanted = {"folder": arguments.folder, "prompt": arguments.prompt, "id": arguments.id}
    task = daemon.post("/v1/tasks", {**wanted, **schedule, **_policies(arguments)})
    print(render_json(task) if arguments.json else f"{_told(task)}\n{_previewed(preview)}")
    return ExitCode.OK


def _edit(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    new = {"prompt": arguments.prompt, **schedule_fields(arguments), **_policies(arguments)}
    task = daemon.patch(_path_of(daemon, arguments.task), new)
    print(render_json(task) if arguments.json else _told(task))
    return ExitCode.OK


def _change_state(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    task = daemon.post(f"{_path_of(daemon, arguments.task)}/{arguments.action}", None)
    print(render_json(task) if arguments.json else _told(task))
    return ExitCode.OK


def _cancel(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    daemon.delete(_path_of(daemon, arguments.task))
    print(render_json({"cancelled": arguments.task}) if arguments.json else f"{arguments.task} is cancelled")
    return ExitCode.OK


def _run_now(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    fire = daemon.post(f"{_path_of(daemon, arguments.task)}/run", {"id": arguments.id})
    print(render_json(fire) if arguments.json else f"{arguments.task} is {fire['state']}")
    return ExitCode.OK


def _preview(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    preview = daemon.post("/v1/tasks/preview", schedule_fields(arguments))
    print(render_json(preview) if arguments.json else _previewed(preview))
    return ExitCode.OK


def _fires(daemon: DaemonClient, arguments: argparse.Namespace) -> int:
    answer = daemon.get(f"{_path_of(daemon, arguments.task)}/fires", limit=arguments.limit)
    if arguments.json:
        print(render_json(answer))
        return ExitCode.OK
    rows = [
        (fire["fire_at"], fire["state"], fire["reason"], fire["attempts"], fire["run_id"], fire["settled_at"])
        for fire in answer["fires"]
    ]
    print(render_table(("FIRE TIME", "STATE", "REASON", "FAILED TRIES", "RUN", "SETTLED"), rows))
    return ExitCode.OK


def _path_of(daemon: DaemonClient, word: str) -> str:
    """The path of the task called so: by its id, or by folder and number."""
    numbered = _NUMBERED.fullmatch(word)
    if numbered:
        found = daemon.get("/v1/tasks", group=numbered[1], number=numbered[2])["tasks"]
        word = found[0]["task_id"]
    return f"/v1/tasks/{path_word(word)}"


def _row(task: dict[str, Any]) -> tuple[object, ...]:
    prompt = " ".join(task["prompt"].split())
    return (
        _name(task),
        task["status"],
        task["schedule"],
        task["timezone"],
        task["next_run_local"] if task["status"] == "active" else None,
        prompt if len(prompt) <= _PROMPT_SHOWN else prompt[: _PROMPT_SHOWN - 1] + "…",
        task["task_id"],
    )


def _told(task: dict[str, Any]) -> str:
    is_active = task["status"] == "active"
    following = f"; next {task['next_run_local']}" if is_active and task["next_run_local"] else ""
    return plain(f"{_name(task)} is {task['status']}: {task['schedule']} ({task['timezone']}){following}")


def _name(task: dict[str, Any]) -> str:
    return f"{task['folder']}/{task['number']}"


def _previewed(preview: dict[str, Any]) -> str:
    """Without the columns that would say nothing."""
    columns = {f"IN {preview['timezone'].upper()}": "local"}
    if preview["timezone"] != "UTC":
        columns["UTC"] = "at"
    if any(fire["warning"] for fire in preview["fires"]):
        columns["WARNING"] = "warning"
    return render_table([*columns], [[fire[key] for key in columns.values()] for fire in preview["fires"]])


def _policies(arguments: argparse.Namespace) -> dict[str, str]:
    given = {"context_mode": arguments.context, "misfire": arguments.misfire, "overlap": arguments.overlap}
    return {name: value for name, value in given.items() if value is not None}


def _add_policies(parser: argparse.ArgumentParser) -> None:
    """Without a default: the daemon has them."""
    parser.add_argument(
        "--context", choices=("isolated", "group"), help="a conversation of its own (default), or the chat's"
    )
    parser.add_argument(
        "--misfire", choices=("run_once", "skip"), help="a fire time that was missed: run it late (default), or not"
    )
    parser.add_argument(
        "--overlap", choices=("skip", "queue_one"), help="a fire time while it runs: skip it (default), or run it after"
    )


def _add_task_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    parser = _add_action(actions, name, summary, example)
    parser.add_argument("task", help="group and number, such as cooks/3, or the task's id")
    return parser


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name, help=summary, description=summary, epilog=f"example: intercomd tasks {name} {example}", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_client_options(parser)
    return parser
