"""Speed and memory, measured beside the raw limits of the machine: `python -m tests.bench` (scripts/dev bench)."""
