"""What OpenAI's APIs have in common: checks of a request, errors, usage and finish reasons, JSON as text."""
