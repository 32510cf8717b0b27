"""The `host_bridge` channel: delivers the texts of channels that live in the host (hazards B-39, B-85).

Owns:      whether the host answered last time.
Never:     sends without the lease of the text's channel; keeps a text (the outbox does).
Talks to:  the host (HTTP, at most its client's deadline per text), Outbox (hint).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from intercomd.channels.host_client import HostAway, HostClient
from intercomd.channels.port import Mailbox
from intercomd.domain.ids import Epoch
from intercomd.domain.mailbox import DeliverTexts, Heartbeat, LiveText, TextDelivered, TextNotDelivered, TextsRecorded
from intercomd.domain.outbox import REPEAT_MARK, OutboxRow
from intercomd.errors import ChannelError
from intercomd.logs import EventLog

NAME = "host_bridge"
_log = EventLog("channels.host_bridge")


class DeliveryLease(Protocol):
    """The right to deliver for one channel, as it stands at this moment."""

    @property
    def epoch(self) -> Epoch | None: ...

    @property
    def is_usable(self) -> bool: ...


class HostBridge:
    """See the module's text. `leases` are by channel."""

    name = NAME
    is_idempotent = False
    """Our own host shows a repeated text once; the existing one does not."""

    def __init__(self, host: HostClient, outbox: Mailbox, leases: Mapping[str, DeliveryLease]) -> None:
        self._host = host
        self._outbox = outbox
        self._leases = leases
        self._is_away = False

    def handle(self, item: object) -> object:
        match item:
            case DeliverTexts(rows=rows, epoch=epoch):
                for row in rows:
                    self._deliver(row, epoch)
            case TextsRecorded() | LiveText():
                pass
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"{type(self).__name__} takes no {type(item).__name__}")
        return None

    def _deliver(self, row: OutboxRow, epoch: Epoch) -> None:
        try:
            if self._may_send(row, epoch):
                self._host.send_text(row.chat_jid, _shown(row), row.outbox_id)
                self._outbox.hint(TextDelivered(row.outbox_id, ()))
                self._note(None)
        except ChannelError as error:
            self._report(row, error)
            if isinstance(error, HostAway):
                self._note(error)

    def _may_send(self, row: OutboxRow, epoch: Epoch) -> bool:
        """Asked immediately before the bytes leave. A text claimed under an epoch that is over belongs to the next
        owner, so nothing is reported about it."""
        lease = self._leases[row.channel]
        if lease.epoch != epoch:
            _log.debug("host_bridge.fenced", outbox_id=row.outbox_id, channel=row.channel)
            return False
        if not lease.is_usable:
            raise ChannelError(f"the lease on delivering for {row.channel} is suspended")
        return True

    def _report(self, row: OutboxRow, error: ChannelError) -> None:
        self._outbox.hint(
            TextNotDelivered(
                row.outbox_id, row.epoch, str(error), error.retry_after, error.may_have_arrived, error.is_permanent
            )
        )

    def _note(self, error: HostAway | None) -> None:
        """Log the host's going and coming, once each."""
        if error is not None and not self._is_away:
            _log.warning("host_bridge.host_away", url=self._host.url, error=error)
        elif error is None and self._is_away:
            _log.info("host_bridge.host_back", url=self._host.url)
        self._is_away = error is not None


def _shown(row: OutboxRow) -> str:
    return REPEAT_MARK + row.text if row.is_repeat else row.text
