"""Carries out what a file of an agent asks for, at least once and with the effect of once.

The order makes a crash at any point harmless: the claim is stored, then the effect under the claim's key, then the
answer; then the answer is put where the agent looks, and last the file goes. Whoever finds the file again goes on from
there. What is refused or makes no sense is answered, or kept in quarantine with its reason (hazard B-83).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from intercomd.clock import Clock
from intercomd.desk.tools import Caller, Effect, Toolbox, call
from intercomd.domain.agent_files import ClaimedFile, FileKind, ToolAnswer
from intercomd.domain.chat import Group
from intercomd.domain.ids import Folder
from intercomd.domain.leases import Fence
from intercomd.domain.rights import Requester
from intercomd.errors import NotFound
from intercomd.ipc.formats import Request, parse_request
from intercomd.ipc.janitor import sweep_folder
from intercomd.ipc.quarantine import Quarantine
from intercomd.ipc.reading import FoundFile, UnfitFile
from intercomd.ipc.tree import IpcTree, Look, Marks
from intercomd.logs import EventLog
from intercomd.store.ports import Store

_MOST_PEEKED = 100
_IN_DOUBT = (
    "The daemon was stopped in the middle of this call, and nobody knows whether it was done. See what is there before "
    "you ask again, as a new call."
)
_OTHER_CALL = "This uuid stands for another call already; use a new one."
_log = EventLog("ipc")


@dataclass(frozen=True, slots=True)
class Job:
    """A file that was read and understood; `is_claimed` when the store knows of it."""

    folder: Folder
    kind: FileKind
    found: FoundFile
    request: Request
    is_claimed: bool = False


@dataclass(frozen=True, slots=True)
class LongJob:
    """A job whose `work` takes long: whoever does it elsewhere hands the answer to `conclude`. `work` may raise
    `StoreUnavailable`; then the file is as it was."""

    job: Job
    work: Callable[[], ToolAnswer]


class AgentFileDesk:
    """For one caller at a time, but for `note_effects`. Every method may raise `StoreUnavailable`, and leaves the file
    where it is then."""

    def __init__(
        self, tree: IpcTree, quarantine: Quarantine, store: Store, toolbox: Toolbox, main_folder: str, clock: Clock
    ) -> None:
        self._tree = tree
        self._quarantine = quarantine
        self._store = store
        self._toolbox = toolbox
        self._main_folder = main_folder
        self._clock = clock
        self._stuck: dict[tuple[Folder, FileKind], set[str]] = defaultdict(set)
        """Files that are dealt with and cannot be removed: they are not looked at again until `tidy`."""
        self._quiet: dict[Folder, Marks] = {}
        """Folders in which a look found nothing, as they were before it."""

    def look(self, folder: Folder, kind: FileKind, limit: int) -> Look:
        """The first `limit` files that are not dealt with yet, by name."""
        stuck = self._stuck.get((folder, kind), set())
        look = self._tree.look(folder, kind, limit + len(stuck))
        names = tuple(name for name in look.names if name not in stuck)
        return Look(names[:limit], look.is_cut or len(names) > limit)

    def has_files(self, folder: Folder) -> bool:
        """Cheap while nothing changes: fifty idle agents are looked at five hundred times a second."""
        marks = self._tree.marks(folder)
        if marks is not None and marks == self._quiet.get(folder):
            return False
        found = any(self.look(folder, kind, 1).names for kind in FileKind)
        if marks is None or found or not self._tree.are_settled(marks):
            self._quiet.pop(folder, None)
        else:
            self._quiet[folder] = marks
        return found

    def list_folders(self) -> list[Folder]:
        return self._tree.list_folders()

    def tidy(self, folder: Folder) -> None:
        """Clear away what nobody fetches, and try again what could not be removed."""
        for kind in FileKind:
            self._stuck.pop((folder, kind), None)
        self._quiet.pop(folder, None)
        removed = sweep_folder(self._tree.root, folder, self._clock.now())
        if removed:
            _log.info("ipc.tidied", folder=folder, removed=removed)

    def take(
        self, folder: Folder, kind: FileKind, name: str, fence: Fence, *, may_take_long: bool
    ) -> LongJob | None:
        """Deal with one file; None when that is done, or when it waits because it would take long and may not. Raises
        `FenceLost` when this process may not."""
        found: FoundFile | None = None
        try:
            found = self._tree.read(folder, kind, name)
            if found is None:
                return None
            job = Job(folder, kind, found, parse_request(folder, kind, found))
        except UnfitFile as unfit:
            self._store.agent_files.record_refusal(folder, str(unfit), self._clock.now())
            self._refuse(folder, kind, name, found, unfit.content, str(unfit))
            return None
        try:
            group = self._store.groups.get(folder).group
        except NotFound as error:
            self.conclude(job, ToolAnswer(False, str(error)))
            return None
        return self._begin(job, group, fence, may_take_long=may_take_long)

    def conclude(self, job: Job, answer: ToolAnswer) -> None:
        """Make the answer known and clear the file away."""
        now = self._clock.now()
        if job.is_claimed:
            self._store.agent_files.settle(job.request.claim.key, answer, now)
        elif not answer.is_ok:
            self._store.agent_files.record_refusal(job.folder, answer.text, now)
        if job.request.uuid is not None:
            self._answer(job, job.request.uuid, answer)
        elif not answer.is_ok:
            self._refuse(job.folder, job.kind, job.found.name, job.found, job.found.content, answer.text)
            return
        self._remove(job.folder, job.kind, job.found.name, job.found)

    def note_effects(self, folder: Folder) -> None:
        """The agent of `folder` has ended: if files of its still ask for something, that will happen, so its run has
        effects (hazard B-114)."""
        if self._has_waiting_effects(folder):
            self._store.agent_files.mark_effects(folder)

    # -- one file -------------------------------------------------------------------------------------

    def _begin(self, job: Job, group: Group, fence: Fence, *, may_take_long: bool) -> LongJob | None:
        request = job.request
        tool = self._toolbox.get(request.call.name)
        if tool is None:
            self.conclude(job, ToolAnswer(False, f"Unknown query type: {request.call.name[:100]}"))
            return None
        takes_long = tool.takes_long(request.call.params)
        if takes_long and not may_take_long:
            return None
        requester = Requester(group.folder, group.folder == self._main_folder, f"the agent of {group.folder}")
        caller = Caller(requester, group.folder, group.jid, request.claim.key)
        if tool.effect is not Effect.NOTHING:
            claimed = self._store.agent_files.claim(fence, request.claim, self._clock.now())
            job = replace(job, is_claimed=not claimed.is_other)
            known = _known_answer(claimed, tool.effect)
            if known is not None:
                self.conclude(job, known)
                return None
            caller = replace(caller, is_repeat=claimed.is_repeat, run_id=claimed.run_id)
        work = partial(call, tool, caller, request.call.params)
        if takes_long:
            return LongJob(job, work)
        self.conclude(job, work())
        return None

    def _answer(self, job: Job, uuid: str, answer: ToolAnswer) -> None:
        try:
            self._tree.answer(job.folder, uuid, answer)
        except OSError as error:
            _log.warning("ipc.not_answered", folder=job.folder, uuid=uuid, error=error.strerror)

    def _refuse(
        self, folder: Folder, kind: FileKind, name: str, found: FoundFile | None, content: bytes | None, reason: str
    ) -> None:
        try:
            kept = self._quarantine.keep(folder, kind, name, content, reason, self._clock.now())
        except OSError as error:
            _log.error("ipc.not_quarantined", folder=folder, kind=kind, error=error)
            self._stuck[folder, kind].add(name)
            return
        _log.warning("ipc.refused", folder=folder, kind=kind, kept=kept)
        self._remove(folder, kind, name, found)

    def _remove(self, folder: Folder, kind: FileKind, name: str, found: FoundFile | None) -> None:
        if not self._tree.remove(folder, kind, name, None if found is None else found.identity):
            _log.warning("ipc.not_removed", folder=folder, kind=kind)
            self._stuck[folder, kind].add(name)

    def _has_waiting_effects(self, folder: Folder) -> bool:
        if any(self._tree.look(folder, kind, 1).names for kind in (FileKind.MESSAGES, FileKind.TASKS)):
            return True
        queries = self._tree.look(folder, FileKind.QUERIES, _MOST_PEEKED).names
        return any(self._has_effect(folder, name) for name in queries)

    def _has_effect(self, folder: Folder, name: str) -> bool:
        try:
            found = self._tree.read(folder, FileKind.QUERIES, name)
            request = None if found is None else parse_request(folder, FileKind.QUERIES, found)
        except UnfitFile:
            return False
        tool = None if request is None else self._toolbox.get(request.call.name)
        return tool is not None and tool.effect is not Effect.NOTHING


def _known_answer(claimed: ClaimedFile, effect: Effect) -> ToolAnswer | None:
    """What is to be said without doing anything; None when it is to be done."""
    if claimed.is_other:
        return ToolAnswer(False, _OTHER_CALL)
    if claimed.answer is None and claimed.is_repeat and effect is Effect.OUTSIDE:
        return ToolAnswer(False, _IN_DOUBT)
    return claimed.answer
