"""Telegram: the Bot API client and what is built on it."""
