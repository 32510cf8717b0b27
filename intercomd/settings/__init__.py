"""Settings: TOML, environment and command line, checked once, then frozen typed values."""
