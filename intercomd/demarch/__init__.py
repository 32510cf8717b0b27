"""Asking the Demarch tools, which are programs of their own."""
