"""Transports to people."""
