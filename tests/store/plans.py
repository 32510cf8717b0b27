"""What an engine plans to do for a query, in a database with so many rows that it matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from intercomd.store.named_queries import load_queries
from intercomd.store.opening import StoreSettings
from tests.store.raw import open_raw


def plans_of(
    settings: StoreSettings, crowd: Iterable[str], queries: Iterable[str], values: Mapping[str, str]
) -> dict[str, str]:
    """The plans of `queries`, with `values` as parameters, after the statements of `crowd`."""
    explain = "EXPLAIN QUERY PLAN" if settings.sqlite_path is not None else "EXPLAIN"
    with open_raw(settings) as run_sql:
        for statement in crowd:
            run_sql(statement)
        return {
            query: "".join(f"{row[-1]}\n" for row in run_sql(f"{explain} {_filled_in(query, values)}"))
            for query in queries
        }


def unindexed(
    plans: Mapping[str, str], indexes: Mapping[str, Sequence[str]], scans: Sequence[str]
) -> dict[str, str]:
    """The plans that name none of their query's `indexes`, or one of the `scans`."""
    return {
        query: plan
        for query, plan in plans.items()
        if not any(name in plan for name in indexes[query]) or any(scan in plan for scan in scans)
    }


def _filled_in(query: str, values: Mapping[str, str]) -> str:
    sql = load_queries()[query].sql
    for name, value in values.items():
        sql = sql.replace(f":{name}", value)
    return sql
