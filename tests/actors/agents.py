"""Scripted agents: what stands outside in the simulator, obeying words in the texts they are given.

Each text, and each task's prompt, starts with a token (`m1`); a reply names the tokens it answers. Words after the
token: `silent`, `fail`, `crash`, `half` (a reply, then an exit with an error), `look` (a reply, then nothing more),
`deaf` (does not end when it is asked to), `hang`, `refuse` (an error that will not go away), `amnesia` (its session is
gone). An agent acts one frame at a time, when it is told to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from intercomd.actors.run_parts import Launched
from intercomd.domain.frames import AgentFailed, Announcement, Frame, Noise, Result, SessionLost, TurnEnded
from intercomd.domain.ids import Folder, InputId, RunId
from intercomd.domain.prompt import render_prompt
from intercomd.domain.runs import OpenedRun, ProcessIdentity
from intercomd.errors import SandboxError
from intercomd.sandbox.port import SandboxListener

_MESSAGE = re.compile(r"(?:>|^)(m\d+)(?: (\w+))?(?:</message>|$)")


@dataclass
class ScriptedSandbox:
    """One agent. `act` lets it do its next thing; nothing happens by itself but death by `kill`."""

    run_id: RunId
    folder: Folder
    listener: SandboxListener
    identity: ProcessIdentity
    protocol: int
    turns: list[tuple[InputId, str]]
    session: str
    is_alive: bool = True
    was_killed: bool = False
    is_closing: bool = False
    is_deaf: bool = False
    is_mute: bool = False
    _frames: int = 0
    _script: Iterator[Frame | int] | None = None

    @property
    def can_act(self) -> bool:
        ends = self.is_closing and not self.is_deaf
        return self.is_alive and (self._script is not None or bool(self.turns) or ends)

    def act(self) -> None:
        """Emit the next frame of the turn in hand, begin the next turn, or end."""
        if self._script is None:
            if not self.turns:
                self._end(0, None)
                return
            self._script = self._turn(*self.turns.pop(0))
        step = next(self._script, None)
        if step is None:
            self._script = None
        elif isinstance(step, int):
            self._end(step, None)
        else:
            self._frames += 1
            self.listener.frame(self._frames, step, 100)

    def _turn(self, input_id: InputId, prompt: str) -> Iterator[Frame | int]:
        if self._frames == 0:
            yield Announcement(self.protocol, "scripted", None)
        told = _MESSAGE.findall(prompt)
        words = {word for _, word in told}
        answers = (input_id,) if self.protocol >= 2 else None
        session = self.session
        if "hang" in words:
            while True:
                yield Announcement(self.protocol, "still here", None)
        if "crash" in words:
            yield 1
        if "refuse" in words:
            yield AgentFailed("HTTP 401", None, answers, "renew the key.", is_final=True)
            yield 1
        if "amnesia" in words:
            yield SessionLost(session)
            self.session = session = f"{session}-anew"
        if "busy" in words:
            yield AgentFailed("HTTP 429", None, answers, "Anthropic takes no more requests for now.")
            yield 1
        if "fail" in words:
            yield AgentFailed("as told", None, answers)
            yield 1
        if "silent" not in words:
            yield Result("re: " + " ".join(token for token, _ in told), session, answers)
        if "half" in words:
            yield 1
        if "look" in words:
            self._script = None
            return
        self.is_deaf = "deaf" in words
        yield TurnEnded(session, answers)

    def come_round(self) -> None:
        """What was to hang goes on as if it had not been told to."""
        self.turns[:] = [(input_id, prompt.replace(" hang", "")) for input_id, prompt in self.turns]

    def chatter(self) -> None:
        """Say something of no consequence, whatever it was asked."""
        self._frames += 1
        self.listener.frame(self._frames, Noise("chatter"), 100)

    def _end(self, exit_code: int | None, signal: int | None) -> None:
        self.is_alive = False
        if not self.is_mute:
            self.listener.ended(exit_code, signal, "")

    # -- the port -------------------------------------------------------------------------------------

    def release(self, size_bytes: int) -> None:
        """Scripted agents never write that much."""

    def follow_up(self, input_id: InputId, text: str) -> None:
        self.turns.append((input_id, text))

    def close_input(self) -> None:
        self.is_closing = True

    def kill(self) -> None:
        if self.is_alive:
            self.was_killed = True
            self._end(None, 9)

    def wait(self, timeout: timedelta) -> bool:
        return not self.is_alive


@dataclass
class ScriptedAgents:
    """Launcher and engine of the simulator; `started` keeps every sandbox that ever was."""

    name: str = "scripted"
    is_isolated: bool = True
    python: str = "python3"
    unenforced: tuple[str, ...] = ()
    protocol: int = 2
    refusal: SandboxError | None = None
    orphan_refusal: str | None = None
    started: list[ScriptedSandbox] = field(default_factory=list)

    @property
    def alive(self) -> list[ScriptedSandbox]:
        return [sandbox for sandbox in self.started if sandbox.is_alive]

    def launch(self, opened: OpenedRun, listener: SandboxListener) -> Launched:
        if self.refusal is not None:
            raise self.refusal
        folder = opened.group.folder
        assert not any(sandbox.folder == folder for sandbox in self.alive), f"two sandboxes for {folder}"
        if opened.task is not None:
            prompt = opened.task.prompt
        else:
            prompt = render_prompt(opened.prompt.messages, opened.prompt.omitted)
        session = opened.session_id or f"session-of-{opened.run_id}"
        identity = ProcessIdentity(self.name, f"sandbox-{opened.run_id}", 1000 + len(self.started), 1)
        turns = [(opened.prompt.input_id, prompt)]
        sandbox = ScriptedSandbox(opened.run_id, folder, listener, identity, self.protocol, turns, session)
        self.started.append(sandbox)
        return Launched(sandbox, "log", "echo", None)

    def check(self) -> str | None:
        return None

    def start(self, spec: object, listener: SandboxListener) -> ScriptedSandbox:
        raise AssertionError("runs are launched, not started, in the simulator")

    def end_orphan(self, run_id: RunId, identity: ProcessIdentity | None, lock_path: Path) -> None:
        if self.orphan_refusal is not None:
            raise SandboxError(self.orphan_refusal)
        for sandbox in self.alive:
            if sandbox.folder == lock_path.stem:
                sandbox.is_alive = False
                sandbox.was_killed = True
