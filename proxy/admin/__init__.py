"""The admin listener: health, state, metrics."""
