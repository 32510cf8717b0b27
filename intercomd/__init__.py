"""intercomd: a daemon that runs an AI assistant for a household or a team."""

__version__ = "0.2.0"
