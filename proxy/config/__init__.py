"""Configuration: TOML and environment in, frozen values out; every error told at once, each with its path."""
