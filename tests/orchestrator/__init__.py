"""The orchestrator's states, in virtual time."""
