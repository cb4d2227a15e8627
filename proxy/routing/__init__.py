"""Which targets serve a request, and in which order: pure decisions."""
