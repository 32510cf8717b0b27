"""Settings: TOML, then environment, then frozen typed values."""
