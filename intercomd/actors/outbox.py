"""Delivers texts: claims rows in order, hands them to their channel, records what became of them.

Owns:      which rows are with a channel right now.
Never:     sends a byte itself, waits for a channel, claims without the channel's lease.
Talks to:  channels (hint), the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from intercomd.actors.held_lease import HeldLease
from intercomd.clock import Clock
from intercomd.domain.ids import Epoch, OutboxId
from intercomd.domain.mailbox import (
    DeliverTexts,
    ExpireTexts,
    Heartbeat,
    OutboxFilled,
    Poll,
    RecordDelivered,
    StopClaiming,
    TextDelivered,
    TextNotDelivered,
    TextsRecorded,
)
from intercomd.domain.outbox import LONGEST_WAIT, OutboxRow
from intercomd.errors import FenceLost, StoreUnavailable
from intercomd.logs import EventLog
from intercomd.store.ports import OutboxTable
from intercomd.supervision.port import Address, Context, ExitReason

_POLL_INTERVAL = timedelta(seconds=1)
_EXPIRY_INTERVAL = timedelta(minutes=1)
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_BACKOFF = timedelta(minutes=1)
_CLOCK_SLACK = timedelta(minutes=1)
"""Between two sweeps the wall clock may differ so much from the monotonic one without having been set."""
_BATCH = 50
_log = EventLog("outbox")


@dataclass(frozen=True, slots=True)
class Route:
    """A channel as the outbox sees it. After `delivery_timeout` without a word a row counts as unknown."""

    channel: str
    address: Address
    lease: HeldLease
    is_idempotent: bool
    delivery_timeout: timedelta

    @property
    def batch(self) -> int:
        """How many rows may be with the channel. All of them are in doubt when the process dies, so a channel that
        would show a text twice gets them one by one."""
        return _BATCH if self.is_idempotent else 1


@dataclass(frozen=True, slots=True)
class _InFlight:
    row: OutboxRow
    since: float


class Outbox:
    """See the module's text. `resends_unknown`: a text that may have arrived is sent again, marked, once."""

    def __init__(
        self,
        table: OutboxTable,
        routes: Mapping[str, Route],
        clock: Clock,
        context: Context,
        *,
        resends_unknown: bool,
        text_lifetime: timedelta,
        publish_in_flight: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._table = table
        self._routes = routes
        self._clock = clock
        self._context = context
        self._resends_unknown = resends_unknown
        self._text_lifetime = text_lifetime
        self._publish_in_flight = publish_in_flight
        self._has_stopped_claiming = False
        self._in_flight: dict[OutboxId, _InFlight] = {}
        self._delivered: dict[OutboxId, tuple[str, ...]] = {}
        self._rescued: dict[str, Epoch] = {}
        self._is_claiming: set[str] = set()
        self._fenced: set[str] = set()
        self._last_sweep: tuple[datetime, float] | None = None
        self._expires_from = 0.0

    def on_start(self) -> None:
        self._context.timers.every(_POLL_INTERVAL, Poll())
        self._context.timers.every(_EXPIRY_INTERVAL, ExpireTexts())
        self._context.address.hint(ExpireTexts())
        self._context.address.hint(Poll())

    def handle(self, item: object) -> object:
        match item:
            case OutboxFilled():
                self._pump_all()
            case TextDelivered(outbox_id, channel_ids):
                if not self._delivered:
                    self._context.address.hint(RecordDelivered())
                self._delivered[outbox_id] = channel_ids
            case RecordDelivered():
                self._record_delivered()
                self._pump_all()
            case TextNotDelivered():
                self._on_not_delivered(item)
                self._pump_all()
            case Poll():
                self._record_delivered()
                self._give_up_silent()
                self._pump_all()
            case ExpireTexts():
                self._expire()
            case StopClaiming():
                self._has_stopped_claiming = True
            case Heartbeat():
                return "ok"
            case _:
                raise TypeError(f"Outbox does not take {item!r}")
        if self._has_stopped_claiming:
            self._publish_in_flight(len(self._in_flight))
        return None

    def on_leftovers(self, items: Sequence[object]) -> None:
        """The channels have stopped; what they said last is recorded, and nothing handed out."""
        self._has_stopped_claiming = True
        reports = [item for item in items if isinstance(item, TextDelivered | TextNotDelivered)]
        try:
            for report in sorted(reports, key=lambda report: isinstance(report, TextNotDelivered)):
                self.handle(report)
        except StoreUnavailable as error:
            _log.warning("outbox.refusals_not_recorded", error=error)

    def on_stop(self, _reason: ExitReason) -> None:
        try:
            self._record_delivered()
        except StoreUnavailable as error:
            _log.warning("outbox.deliveries_not_recorded", texts=len(self._delivered), error=error)

    def _pump_all(self) -> None:
        if self._has_stopped_claiming:
            return
        for route in self._routes.values():
            try:
                self._pump(route)
            except FenceLost as error:
                if route.channel not in self._fenced:
                    _log.debug("outbox.fenced", channel=route.channel, error=error)
                self._fenced.add(route.channel)
            else:
                self._fenced.discard(route.channel)

    def _pump(self, route: Route) -> None:
        self._forget_lost(route)
        fence = route.lease.fence()
        if self._rescued.get(route.channel) != fence.epoch:
            self._adopt(route)
        room = route.batch - sum(flight.row.channel == route.channel for flight in self._in_flight.values())
        if room <= 0:
            return
        rows = self._claim(route, room)
        if not rows:
            return
        _log.debug("outbox.claimed", channel=route.channel, texts=len(rows))
        now = self._clock.monotonic()
        self._in_flight |= {row.outbox_id: _InFlight(row, now) for row in rows}
        if not route.address.hint(DeliverTexts(tuple(rows), fence.epoch)):
            for row in rows:
                self._postpone(row, _FIRST_WAIT, f"channel {route.channel} is not running")

    def _forget_lost(self, route: Route) -> None:
        """Rows claimed under an epoch that is over are their next owner's, which may be this process again; a lease
        that is only suspended keeps its rows."""
        for outbox_id, flight in list(self._in_flight.items()):
            if flight.row.channel == route.channel and flight.row.epoch != route.lease.epoch:
                _log.warning("text.left", outbox_id=outbox_id, channel=route.channel, epoch=flight.row.epoch)
                del self._in_flight[outbox_id]

    def _claim(self, route: Route, room: int) -> list[OutboxRow]:
        """Claim rows. After a claim whose answer never came (and this item was parked) the rows it marked are those
        being sent that no channel was given."""
        if route.channel in self._is_claiming:
            sending = self._table.list_sending(route.channel)
            epoch = route.lease.fence().epoch
            rows = [row for row in sending if row.epoch == epoch and row.outbox_id not in self._in_flight]
        else:
            self._is_claiming.add(route.channel)
            rows = self._table.claim(route.lease.fence(), route.channel, self._clock.now(), room)
        self._is_claiming.discard(route.channel)
        return rows

    def _expire(self) -> None:
        """Give up old texts, of channels without a route too. The age of a row is known by the wall clock alone, so
        after somebody set that nothing expires until every row has waited its lifetime by the monotonic clock; a new
        process believes the clock it finds."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        if self._last_sweep is not None:
            seen_now, seen_monotonic = self._last_sweep
            if abs(now - seen_now - timedelta(seconds=monotonic - seen_monotonic)) > _CLOCK_SLACK:
                _log.warning("outbox.clock_was_set", expires_nothing_for_s=self._text_lifetime.total_seconds())
                self._expires_from = monotonic + self._text_lifetime.total_seconds()
        self._last_sweep = (now, monotonic)
        if monotonic < self._expires_from:
            return
        expired = self._table.expire(now - self._text_lifetime, now)
        if expired:
            _log.error("text.expired", count=expired)

    def _adopt(self, route: Route) -> None:
        """First claim under an epoch: settle what earlier owners left in sending, watch what this one did."""
        fence = route.lease.fence()
        self._table.rescue(
            fence,
            route.channel,
            is_idempotent=route.is_idempotent,
            resends=self._resends_unknown,
            now=self._clock.now(),
        )
        now = self._clock.monotonic()
        for row in self._table.list_sending(route.channel):
            self._in_flight.setdefault(row.outbox_id, _InFlight(row, now))
        self._rescued[route.channel] = fence.epoch

    def _record_delivered(self) -> None:
        if not self._delivered:
            return
        self._table.record_sent(list(self._delivered.items()), self._clock.now())
        sent = [self._in_flight.pop(outbox_id, None) for outbox_id in self._delivered]
        self._delivered.clear()
        for channel, route in self._routes.items():
            jids = {flight.row.chat_jid for flight in sent if flight is not None and flight.row.channel == channel}
            if jids:
                route.address.hint(TextsRecorded(tuple(sorted(jids))))

    def _on_not_delivered(self, report: TextNotDelivered) -> None:
        flight = self._in_flight.get(report.outbox_id)
        if flight is None or flight.row.epoch != report.epoch:
            return
        if report.is_permanent:
            _log.error("text.failed", outbox_id=report.outbox_id, error=report.error)
            self._table.record_failed(flight.row, report.error, self._clock.now())
            del self._in_flight[report.outbox_id]
        elif report.may_have_arrived:
            self._record_unknown(flight.row, report.error)
        else:
            wait = report.retry_after or _backoff(flight.row.attempts)
            self._postpone(flight.row, min(wait, LONGEST_WAIT), report.error)

    def _give_up_silent(self) -> None:
        """Rows their channel never reported on: it crashed, or hangs beyond its own deadlines."""
        now = self._clock.monotonic()
        for flight in list(self._in_flight.values()):
            route = self._routes[flight.row.channel]
            if now - flight.since < route.delivery_timeout.total_seconds():
                continue
            if route.is_idempotent:
                self._postpone(flight.row, timedelta(0), "the channel did not report")
            else:
                self._record_unknown(flight.row, "the channel did not report")

    def _record_unknown(self, row: OutboxRow, error: str) -> None:
        _log.warning("text.unknown", outbox_id=row.outbox_id, error=error)
        self._table.record_unknown(row, error, resends=self._resends_unknown, now=self._clock.now())
        self._in_flight.pop(row.outbox_id, None)

    def _postpone(self, row: OutboxRow, wait: timedelta, error: str) -> None:
        now = self._clock.now()
        self._table.postpone(row, now + wait, error, now)
        self._in_flight.pop(row.outbox_id, None)


def _backoff(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 10)), _LONGEST_BACKOFF)
