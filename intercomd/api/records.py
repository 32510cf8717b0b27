"""`/v1/runs` and `/v1/outbox`: what was done and what is on its way."""

from __future__ import annotations

import falcon

from intercomd.api.requests import query_limit
from intercomd.api.services import Services
from intercomd.api.views import outbox_view, run_view
from intercomd.domain.folder import parse_folder
from intercomd.domain.ids import ChatJid, RunId


class RunsResource:
    """The newest runs, of one group with `?group=FOLDER`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        group = request.get_param("group")
        folder = parse_folder(group, "group") if group else None
        runs = self._services.store.runs.list_recent(folder, query_limit(request))
        response.media = {"runs": [run_view(run) for run in runs]}


class RunResource:
    """One run."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, _request: falcon.Request, response: falcon.Response, run_id: str) -> None:
        response.media = run_view(self._services.store.runs.get(RunId(run_id)))


class OutboxResource:
    """The newest texts of the outbox, of one chat with `?chat=JID`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        chat = request.get_param("chat")
        rows = self._services.store.outbox.list_recent(ChatJid(chat) if chat else None, query_limit(request))
        response.media = {"texts": [outbox_view(row) for row in rows]}
