"""The schema for Postgres."""
