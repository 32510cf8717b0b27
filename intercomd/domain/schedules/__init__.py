"""When a scheduled task fires: what people may write, and the fire times that follow from it.

Three kinds: `cron` (five fields, in the task's zone), `interval` (milliseconds from an anchor) and `once` (an instant).
A schedule is a value; every function gets the instants it needs, and every fire time is aware UTC on a whole
millisecond, so that it survives the store unchanged.

Gap and fold, the hour that the clock leaves out and the one that it repeats (docs/schedules.md has the reasons):

- A cron task that names its hours, and a `once` without an offset, follow the *wall clock*: each wall time fires once a
  day. One inside a gap fires at the first instant after the gap, together with all others in it; one inside a fold
  fires at its first occurrence only.
- A cron task of *every* hour (`* * * * *`, `30 * * * *`, `@hourly`) follows the *hours as they pass*: nothing is made
  up for a gap, since the next fire is as near as ever, and both passes of a fold have their fires.
- An interval follows elapsed time and knows no zone.
"""
