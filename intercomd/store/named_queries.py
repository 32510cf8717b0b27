"""The SQL of the store, by name: `queries/*.sql` is read once.

A query starts at a line `-- :name find_ready`. A line `-- :lock update of g` (or `share`) after it names the row lock
that the query takes on engines with row locks. Other comment lines are for readers. Parameters are `:name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain


@dataclass(frozen=True, slots=True)
class Query:
    """`lock` is `share` or `update`, with `of …` where the query joins; None without a row lock."""

    name: str
    sql: str
    lock: str | None


@cache
def load_queries() -> Mapping[str, Query]:
    """Every named query of the package; a name used twice raises `ValueError`."""
    folder = files("intercomd.store.queries")
    texts = (item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".sql"))
    queries: dict[str, Query] = {}
    for query in chain.from_iterable(parse_queries(text) for text in texts):
        if query.name in queries:
            raise ValueError(f"two queries are named {query.name}")
        queries[query.name] = query
    return queries


def parse_queries(text: str) -> Iterator[Query]:
    """The queries of one file, in order."""
    for section in text.split("-- :name ")[1:]:
        name, _, body = section.partition("\n")
        lines = [line.strip() for line in body.splitlines()]
        locks = [line.removeprefix("-- :lock ") for line in lines if line.startswith("-- :lock ")]
        sql = " ".join(line for line in lines if line and not line.startswith("--"))
        yield Query(name.strip(), sql.removesuffix(";"), locks[0] if locks else None)
