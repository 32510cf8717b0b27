"""Where an agent runs: one port, several engines."""
