"""Puts the parts together into the running daemon."""
