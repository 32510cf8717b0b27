"""`/v1/demarch/read` and `/v1/demarch/write`: the Demarch tools over HTTP (original.md §5.5)."""

from __future__ import annotations

import falcon

from intercomd.api.bridge_shapes import DemarchReply
from intercomd.api.requests import read_body
from intercomd.demarch.tools import DemarchTools
from intercomd.domain.demarch import DemarchAnswer, ReadOperation, WriteOperation
from intercomd.domain.folder import parse_folder
from intercomd.errors import InvalidInput, NotFound
from intercomd.store.ports import Groups


class DemarchReadResource:
    """Answers 200 whatever the tool says; `status` tells `ok` from `error`."""

    def __init__(self, tools: DemarchTools) -> None:
        self._tools = tools

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        operation: ReadOperation = read_body(request, ReadOperation)  # type: ignore[arg-type]  # a union of types
        response.media = _reply(self._tools.read(operation))


class DemarchWriteResource:
    """As reading, for whom the store knows as the main group: `is_main` alone opens nothing (hazard B-44)."""

    def __init__(self, tools: DemarchTools, groups: Groups, main_folder: str) -> None:
        self._tools = tools
        self._groups = groups
        self._main_folder = main_folder

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        operation: WriteOperation = read_body(request, WriteOperation)  # type: ignore[arg-type]  # a union of types
        is_privileged = self._is_main(operation.source_group)
        response.media = _reply(self._tools.write(operation, is_privileged=is_privileged))

    def _is_main(self, source_group: str | None) -> bool:
        if source_group != self._main_folder:
            return False
        try:
            self._groups.get(parse_folder(source_group))
        except (NotFound, InvalidInput):
            return False
        return True


def _reply(answer: DemarchAnswer) -> DemarchReply:
    return DemarchReply("ok" if answer.is_ok else "error", answer.result)
