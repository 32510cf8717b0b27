"""Checks on the project itself: its files, its packages, its scripts."""
