"""The model gateway: agents without network and credentials reach their model provider through it, and nobody else."""
