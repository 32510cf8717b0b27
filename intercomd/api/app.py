"""The API as a WSGI application: which path is answered by what."""

from __future__ import annotations

import falcon
import falcon.media
import msgspec

from intercomd.api.access import Access
from intercomd.api.commands import CommandsResource
from intercomd.api.demarch import DemarchReadResource, DemarchWriteResource
from intercomd.api.failures import install_failures
from intercomd.api.groups import GroupNetworkResource, GroupResource, GroupsResource
from intercomd.api.local_chats import ChatsResource, MessagesResource, UpdatesResource
from intercomd.api.openapi import OpenApiResource
from intercomd.api.orchestrator import OrchestratorResource, PreflightResource
from intercomd.api.probes import HealthResource, LiveResource, ReadyResource
from intercomd.api.records import OutboxResource, RunResource, RunsResource
from intercomd.api.services import Services
from intercomd.api.status import StatusResource, SupervisionResource
from intercomd.api.tasks import add_task_routes
from intercomd.api.telegram import EditResource, IngressResource, SendResource, TelegramServices
from intercomd.api.telegram_callback import CallbackResource
from intercomd.api.why import WhyResource
from intercomd.api.wire.endpoints import ENDPOINTS, PREFIX, WireResource

_LOCAL = "/v1/local/chats"
_TELEGRAM = "/v1/telegram"
_WORKERS_THAT_NEVER_WAIT = 2

App = falcon.App[falcon.Request, falcon.Response]


class ProfilesResource:
    """`/v1/runtime/profiles`, as the existing system answers it."""

    def __init__(self, services: Services) -> None:
        self._facts = services.facts

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {
            "default_runtime": self._facts.default_runtime,
            "profiles": sorted(self._facts.runtime_profiles),
        }


def create_app(services: Services, token: str | None, threads: int) -> App:
    """The application. `token` is what callers must present (`access.read_token`); `threads` are the server's."""
    app: App = falcon.App(middleware=[Access(token)])
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = falcon.media.JSONHandler(dumps=msgspec.json.encode)
    install_failures(app)
    app.add_route("/livez", LiveResource())
    app.add_route("/healthz", HealthResource(services))
    app.add_route("/readyz", ReadyResource(services))
    app.add_route("/openapi.json", OpenApiResource(services.version))
    app.add_route("/v1/supervision", SupervisionResource(services))
    app.add_route("/v1/status", StatusResource(services))
    app.add_route("/v1/groups", GroupsResource(services))
    app.add_route("/v1/groups/{folder}", GroupResource(services))
    app.add_route("/v1/groups/{folder}/network", GroupNetworkResource(services))
    app.add_route("/v1/runs", RunsResource(services))
    app.add_route("/v1/runs/{run_id}", RunResource(services))
    app.add_route("/v1/outbox", OutboxResource(services))
    app.add_route("/v1/orchestrator", OrchestratorResource(services))
    app.add_route("/v1/preflight", PreflightResource(services))
    app.add_route("/v1/commands", CommandsResource(services))
    app.add_route("/v1/runtime/profiles", ProfilesResource(services))
    add_task_routes(app, services.tasks)
    app.add_route("/v1/why", WhyResource(services.why))
    for endpoint in ENDPOINTS:
        app.add_route(PREFIX + endpoint.path, WireResource(endpoint, services))
    if services.telegram is not None:
        add_telegram(app, services.telegram)
    if services.demarch is not None:
        app.add_route("/v1/demarch/read", DemarchReadResource(services.demarch))
        write = DemarchWriteResource(services.demarch, services.store.groups, services.main_folder)
        app.add_route("/v1/demarch/write", write)
    if services.local is not None:
        app.add_route(_LOCAL, ChatsResource(services.local))
        app.add_route(f"{_LOCAL}/{{name}}/messages", MessagesResource(services.local))
        app.add_route(f"{_LOCAL}/{{name}}/updates", UpdatesResource(services.local, threads - _WORKERS_THAT_NEVER_WAIT))
    return app


def add_telegram(app: App, telegram: TelegramServices) -> None:
    """The endpoints of the host's Telegram channel."""
    app.add_route(f"{_TELEGRAM}/ingress", IngressResource(telegram.intake))
    app.add_route(f"{_TELEGRAM}/send", SendResource(telegram.outgoing))
    app.add_route(f"{_TELEGRAM}/edit", EditResource(telegram.outgoing))
    app.add_route(f"{_TELEGRAM}/callback", CallbackResource(telegram.outgoing))
