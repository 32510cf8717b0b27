"""The files through which agents and the daemon talk; nothing that an agent can write is trusted."""
