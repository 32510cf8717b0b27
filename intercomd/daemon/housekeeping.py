"""The timetable of what may be late without harm. `schedule` reads the wall clock and may repeat or skip a job at a
clock change, so each job only tells an actor; nothing that people wait for is scheduled here."""

from __future__ import annotations

import schedule

from intercomd.domain.mailbox import EndStrays, PruneRecords, PruneRunLogs, SweepOutboxFiles, SweepRunFolders
from intercomd.supervision.port import Address


class Timetable:
    """Asked once a second by the main loop."""

    def __init__(self, housekeeper: Address) -> None:
        self._scheduler = schedule.Scheduler()
        self._scheduler.every().day.at("04:30").do(housekeeper.hint, PruneRunLogs())
        self._scheduler.every().hour.at(":40").do(housekeeper.hint, PruneRecords())
        self._scheduler.every().hour.do(housekeeper.hint, SweepRunFolders())
        self._scheduler.every().minute.do(housekeeper.hint, EndStrays())
        self._scheduler.every().minute.do(housekeeper.hint, SweepOutboxFiles())
        for item in (EndStrays(), SweepRunFolders(), SweepOutboxFiles(), PruneRunLogs(), PruneRecords()):
            housekeeper.hint(item)

    def run_due(self) -> None:
        self._scheduler.run_pending()
