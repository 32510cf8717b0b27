"""What an operator wants to know before the orchestrator is switched on: a list of checks, each with its evidence."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from intercomd.daemon.launching import BUILT_RUNTIMES
from intercomd.daemon.legacy import LEGACY_MEANING, legacy_runtimes, refuse_legacy
from intercomd.domain.folder import parse_folder
from intercomd.domain.leases import DISPATCH, Holder
from intercomd.domain.models import runtime_of
from intercomd.domain.preflight import Finding
from intercomd.errors import IntercomError
from intercomd.gateway.model_gateway import needs_gateway
from intercomd.sandbox.outfit import SYSTEM_PATH
from intercomd.sandbox.port import SandboxEngine
from intercomd.settings.model import Settings
from intercomd.store.ports import Store

_ENGINES_WITHOUT_IMAGES = ("bubblewrap", "process")
_ENOUGH_BYTES = 256 * 1024 * 1024
_MEGABYTE = 1024 * 1024


class _NotPassed(IntercomError):
    """A check's complaint: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """Safe from any thread. `choose_engine` really runs something in the engine; `is_gone` proves a holder's death."""

    settings: Settings
    store: Store
    choose_engine: Callable[[], SandboxEngine]
    holder: Holder
    is_gone: Callable[[Holder], bool]
    environment: Mapping[str, str]
    find_credential: Callable[[str], str]
    """Where the credential of a runtime with a model provider is; raises `SetupNeeded`."""

    def run(self) -> list[Finding]:
        """Every check, in the order in which an operator would put things right. Takes as long as the slowest of
        store and sandbox allow themselves (seconds)."""
        checks: dict[str, Callable[[], str]] = {
            "store": self._check_store,
            "groups": self._check_groups,
            "sessions": self._check_sessions,
            "lease": self._check_lease,
            "hold": self._check_hold,
            "sandbox": self._check_sandbox,
            "runtimes": self._check_runtimes,
            "secrets": self._check_secrets,
            "disk": self._check_disk,
        }
        return [_find(name, check) for name, check in checks.items()]

    def _check_store(self) -> str:
        return f"{self.store.engine} answers, schema version {self.store.schema_version()}"

    def _check_groups(self) -> str:
        folders = [group.folder for group in self.store.groups.list_all()]
        main = parse_folder(self.settings.orchestrator.main_group_folder, "orchestrator.main_group_folder")
        if not folders:
            raise _NotPassed("no group is registered: `intercomd groups add` registers one")
        if main not in folders:
            raise _NotPassed(f"{len(folders)} groups, and none has the folder {main} of the main group")
        return f"{len(folders)} group{'' if len(folders) == 1 else 's'}, the main group {main} among them"

    def _check_sessions(self) -> str:
        present = [session for session in self.store.sessions.list_all() if session.session_id]
        return f"{len(present)} session{'' if len(present) == 1 else 's'} to resume"

    def _check_lease(self) -> str:
        lease = self.store.leases.find(DISPATCH)
        if lease is None or lease.holder is None:
            return "the dispatch lease is free"
        if lease.holder == self.holder:
            return f"the dispatch lease is ours, epoch {lease.epoch}"
        if self.is_gone(lease.holder):
            return f"the dispatch lease is free: its holder, {lease.holder}, is gone"
        raise _NotPassed(f"the dispatch lease is held by {lease.holder}, epoch {lease.epoch}: disable or stop that one")

    def _check_hold(self) -> str:
        hold = self.store.holds.find(DISPATCH)
        flag = "set" if self.settings.orchestrator.enabled else "not set"
        return f"orchestrator.enabled is {flag}; " + ("no hold" if hold is None else str(hold))

    def _check_sandbox(self) -> str:
        engine = self.choose_engine()
        weaknesses = [] if engine.is_isolated else ["it does not isolate agents"]
        if engine.unenforced:
            weaknesses.append(f"limits it does not enforce here: {', '.join(engine.unenforced)}")
        return "; ".join([f"{engine.name} ran a command", *weaknesses])

    def _check_runtimes(self) -> str:
        used = self._used_runtimes()
        missing = sorted(used - BUILT_RUNTIMES)
        if missing:
            raise _NotPassed(
                f"there is no agent for {', '.join(missing)}; there is {', '.join(sorted(BUILT_RUNTIMES))}"
            )
        legacy = sorted(used & legacy_runtimes(self.settings))
        for runtime in legacy:
            refuse_legacy(runtime, self.choose_engine())
        lacking = [runtime for runtime in sorted(used) if needs_gateway(runtime) and not self._has_program(runtime)]
        if lacking and self.choose_engine().name in _ENGINES_WITHOUT_IMAGES:
            raise _NotPassed(
                f"there is no program {' nor '.join(lacking)} for sandboxes without images: run scripts/agents and set "
                "runtimes.programs_dir to its folder"
            )
        return "; ".join([f"in use: {', '.join(sorted(used))}", *(f"{name} is {LEGACY_MEANING}" for name in legacy)])

    def _has_program(self, runtime: str) -> bool:
        """Where a sandbox without an image finds it."""
        programs = self.settings.runtimes.programs_dir
        path = SYSTEM_PATH if programs is None else f"{programs.resolve()}/bin:{SYSTEM_PATH}"
        return shutil.which(runtime, path=path) is not None

    def _check_secrets(self) -> str:
        """Where they are, never what they are."""
        found, complaints = [], []
        for runtime in sorted(self._used_runtimes()):
            try:
                found += [f"{runtime}: {origin}" for origin in self._find_secrets(runtime)]
            except IntercomError as error:
                complaints.append(str(error))
        if complaints:
            raise _NotPassed("; ".join(complaints))
        return "; ".join(found) or "none needed"

    def _find_secrets(self, runtime: str) -> list[str]:
        if needs_gateway(runtime):
            return [self.find_credential(runtime)]
        profile = self.settings.runtimes.profiles.get(runtime)
        wanted = () if profile is None else profile.required_env
        missing = [name for name in wanted if not self.environment.get(name)]
        if missing:
            raise _NotPassed(f"{runtime}: not set in the environment: {', '.join(missing)}")
        return list(wanted)

    def _check_disk(self) -> str:
        storage = self.settings.storage
        return "; ".join(_look_at_folder(folder) for folder in (storage.data_dir, storage.groups_dir))

    def _used_runtimes(self) -> set[str]:
        default = self.settings.runtimes.default_runtime
        groups = self.store.groups.list_all()
        return {default, *(runtime_of(group.runtime, group.model, default) for group in groups)}


def _find(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except IntercomError as error:
        return Finding(name, False, str(error))


def _look_at_folder(folder: Path) -> str:
    """Free space and a file really written; of a folder that is not there yet, in the one it will be made in."""
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"intercomd")
            os.fsync(file.fileno())
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise _NotPassed(f"{place} cannot be written: {error.strerror}") from error
    if free < _ENOUGH_BYTES:
        raise _NotPassed(f"{place} has only {free // _MEGABYTE} MB free")
    return f"{folder} is writable, {free // _MEGABYTE} MB free"
