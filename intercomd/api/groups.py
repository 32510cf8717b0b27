"""`/v1/groups`: the registered chats."""

from __future__ import annotations

from http import HTTPStatus

import falcon
import msgspec

from intercomd.api.requests import read_body
from intercomd.api.services import Services
from intercomd.api.views import group_view
from intercomd.desk.jids import parse_jid
from intercomd.domain.chat import Group, Network
from intercomd.domain.folder import parse_folder
from intercomd.domain.rights import OPERATOR
from intercomd.errors import InvalidInput

_MAX_TEXT = 256


class NewGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /v1/groups`."""

    jid: str
    folder: str
    name: str | None = None
    trigger: str = ""
    requires_trigger: bool = True
    runtime: str | None = None
    model: str | None = None


class GroupsResource:
    """List and register."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"groups": [group_view(progress) for progress in self._services.store.groups.list_progress()]}

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Register a chat or change its settings; its numbers stay. 409 when another chat has the folder."""
        services = self._services
        group = _parse_group(read_body(request, NewGroup), services.facts.runtime_profiles)
        services.store.groups.add(group, services.clock.now())
        services.on_groups_changed()
        response.status = HTTPStatus.CREATED
        response.media = group_view(services.store.groups.get(group.folder))


class NetworkChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `PUT /v1/groups/FOLDER/network`."""

    network: Network


class GroupNetworkResource:
    """What a group's sandboxes may reach: `none` (the model alone) or `full`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_put(self, request: falcon.Request, response: falcon.Response, folder: str) -> None:
        """The operator's decision; it counts from the next sandbox on."""
        services, group = self._services, parse_folder(folder)
        choice = read_body(request, NetworkChoice)
        services.store.groups.set_network(group, choice.network, OPERATOR.name, services.clock.now())
        response.media = group_view(services.store.groups.get(group))


class GroupResource:
    """One group, by its folder."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response, folder: str) -> None:
        response.media = group_view(self._services.store.groups.get(parse_folder(folder)))

    def on_delete(self, _request: falcon.Request, response: falcon.Response, folder: str) -> None:
        """Unregister; the chat log stays. 409 while a run is live."""
        services = self._services
        services.store.groups.remove(parse_folder(folder), services.clock.now())
        services.on_groups_changed()
        response.status = HTTPStatus.NO_CONTENT


def _parse_group(body: NewGroup, runtimes: tuple[str, ...]) -> Group:
    if body.runtime is not None and body.runtime not in runtimes:
        raise InvalidInput("runtime", f"{body.runtime!r} is no runtime of this daemon: {', '.join(runtimes)}")
    folder = parse_folder(body.folder)
    name = body.name.strip() if body.name else folder
    for field, text in (("name", name), ("trigger", body.trigger), ("model", body.model or "")):
        if len(text) > _MAX_TEXT:
            raise InvalidInput(field, f"has {len(text)} characters; at most {_MAX_TEXT} are allowed")
    return Group(
        jid=parse_jid(body.jid, "jid"),
        name=name,
        folder=folder,
        trigger=body.trigger.strip(),
        requires_trigger=body.requires_trigger,
        runtime=body.runtime,
        model=body.model or None,
    )
