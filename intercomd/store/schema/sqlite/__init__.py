"""The schema for SQLite."""
