"""Named queries, written once for both engines; read by `named_queries.py`."""
