"""Long, seeded runs of the real daemon under faults, checked against a ledger of what was accepted."""
