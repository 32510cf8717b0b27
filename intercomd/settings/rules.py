"""What one key's type cannot say: keys that depend on each other, on the machine, or on what is built."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from intercomd.domain.commands import NAMES
from intercomd.domain.folder import parse_folder
from intercomd.errors import InvalidInput
from intercomd.settings.model import Settings
from intercomd.settings.reading import SettingsReader, did_you_mean, suggest
from intercomd.settings.sandbox import AgentKind, EngineName

_WITH_GATEWAY = frozenset({"claude", "codex", "gemini"})
"""Runtimes whose credential the model gateway finds, in any of its forms, at the start of a run."""
RUNTIMES_BUILT = frozenset({"claude", "codex", "echo", "gemini"})

NOT_BUILT: Mapping[tuple[str, object], str] = {
    ("events.enabled", True): "this version does not watch for events; set it to false",
    ("runtimes.preserve_legacy_runtime_ids", False): "this version knows no other names; set it to true",
}
"""Values that ask for a part that does not exist, with what to do; only when they were asked for by name."""


def check_rules(
    settings: Settings, table: Mapping[str, object], environment: Mapping[str, str], reader: SettingsReader
) -> None:
    """Let `reader` note what is wrong with `settings`, which were read from `table`."""
    _check_built(table, reader)
    _check_server(settings, reader)
    _check_runtimes(settings, environment, reader)
    _check_timezone(settings.scheduler.timezone, reader)
    _check_commands(settings.commands.restricted, reader)
    try:
        parse_folder(settings.orchestrator.main_group_folder)
    except InvalidInput as error:
        allowed = str(error).removeprefix("folder: ")
        reader.complain("orchestrator.main_group_folder", settings.orchestrator.main_group_folder, allowed)


def _check_built(table: Mapping[str, object], reader: SettingsReader) -> None:
    for (key, value), advice in NOT_BUILT.items():
        section, _, name = key.partition(".")
        given = table.get(section)
        if isinstance(given, dict) and given.get(name) == value:
            reader.complain(key, value, advice)


def _check_server(settings: Settings, reader: SettingsReader) -> None:
    server = settings.server
    try:
        url = urlsplit(server.host_callback_url)
        is_usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        reader.complain("server.host_callback_url", server.host_callback_url, "must be http://HOST:PORT")
    if server.api_token_file is not None and not server.api_token_file.is_file():
        reader.complain("server.api_token_file", server.api_token_file, "must be a file that exists")
    if server.api_token_file is None and not server.bind.is_local:
        advice = "is reachable from elsewhere and needs server.api_token_file; or use a loopback address or unix:PATH"
        reader.complain("server.bind", server.bind, advice)


def _check_runtimes(settings: Settings, environment: Mapping[str, str], reader: SettingsReader) -> None:
    programs_dir = settings.runtimes.programs_dir
    if programs_dir is not None and not (programs_dir / "bin").is_dir():
        advice = "must be the folder that scripts/agents made; run it, or leave this out"
        reader.complain("runtimes.programs_dir", programs_dir, advice)
    _check_legacy(settings, reader)
    name = settings.runtimes.default_runtime
    profile = settings.runtimes.profiles.get(name)
    if profile is None:
        advice = f"must be one of the profiles; {suggest(name, settings.runtimes.profiles)}"
        reader.complain("runtimes.default_runtime", name, advice)
    elif settings.orchestrator.enabled and name not in RUNTIMES_BUILT:
        advice = f"this version can run only {', '.join(sorted(RUNTIMES_BUILT))} (needed by orchestrator.enabled)"
        reader.complain("runtimes.default_runtime", name, advice)
    elif settings.orchestrator.enabled and name not in _WITH_GATEWAY:
        missing = [variable for variable in profile.required_env if not environment.get(variable, "").strip()]
        if missing:
            advice = f"not set in the environment: {', '.join(missing)}"
            reader.complain(f"runtimes.profiles.{name}.required_env", profile.required_env, advice)


def _check_commands(restricted: tuple[str, ...], reader: SettingsReader) -> None:
    for name in restricted:
        if name not in NAMES:
            reader.complain("commands.restricted", name, f"is no command; {suggest(name, NAMES)}")


def _check_legacy(settings: Settings, reader: SettingsReader) -> None:
    for name, profile in settings.runtimes.profiles.items():
        if profile.agent is not AgentKind.LEGACY:
            continue
        key = f"runtimes.profiles.{name}.agent"
        if name not in _WITH_GATEWAY:
            known = ", ".join(sorted(_WITH_GATEWAY))
            reader.complain(key, profile.agent, f"the existing system has images for {known} only")
        if settings.sandbox.engine in {EngineName.BUBBLEWRAP, EngineName.PROCESS}:
            reader.complain(key, profile.agent, "needs images: set sandbox.engine to podman, docker or auto")
        if profile.upstream_url is not None:
            reader.complain(key, profile.agent, "asks its provider itself: leave upstream_url out")


def _check_timezone(name: str, reader: SettingsReader) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "for example Europe/Vienna"
        reader.complain("scheduler.timezone", name, f"must be an IANA time zone; {hint}")
