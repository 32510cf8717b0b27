"""Schedules in words."""

from __future__ import annotations

import pytest

from intercomd.domain.schedules.wording import schedule_in_words


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("cron", "0 9 * * *", "daily at 09:00"),
        ("cron", "@daily", "daily at 00:00"),
        ("cron", "0 9 * * 1-5", "weekdays at 09:00"),
        ("cron", "30 10 * * SAT,SUN", "weekends at 10:30"),
        ("cron", "0 9,18 * * 7,1,3", "Mon, Wed, Sun at 09:00, 18:00"),
        ("cron", "0 9 * * 0-7", "daily at 09:00"),
        ("cron", "0 8 1,15 * *", "monthly on day 1, 15 at 08:00"),
        ("cron", "0 8 L * *", "monthly on the last day at 08:00"),
        ("cron", "* * * * *", "every minute"),
        ("cron", "*/15 * * * *", "every 15 minutes"),
        ("cron", "30 * * * *", "every hour at :30"),
        ("cron", "*/30 * * * 1-5", "every 30 minutes, weekdays"),
        ("cron", "*/7  * * * *", "cron */7 * * * *"),
        ("cron", "0 */2 * * *", "cron 0 */2 * * *"),
        ("cron", "0 9 1 1 *", "cron 0 9 1 1 *"),
        ("cron", "0 9 1-7 * 1", "cron 0 9 1-7 * 1"),
        ("cron", "0 9 * * 1#2", "cron 0 9 * * 1#2"),
        ("cron", "0 8 1,L * *", "cron 0 8 1,L * *"),
        ("cron", "no cron", "cron no cron"),
        ("interval", "1000", "every 1 s"),
        ("interval", "1500", "every 1.5 s"),
        ("interval", "9000000", "every 2 h 30 min"),
        ("interval", "86460000", "every 1 d 1 min"),
        ("interval", "0", "every 0 s"),
        ("interval", "often", "interval often"),
        ("once", "2026-12-24T18:00", "once at 2026-12-24 18:00"),
        ("sometimes", "x", "sometimes x"),
    ],
)
def test_schedule_is_said_in_few_words(kind: str, value: str, words: str) -> None:
    """The usual ones as people say them, the others as they were written, whatever stands in an old row."""
    assert schedule_in_words(kind, value) == words
