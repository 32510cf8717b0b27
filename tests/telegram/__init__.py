"""Telegram: client, intake, sender and endpoints against the fake Bot API."""
