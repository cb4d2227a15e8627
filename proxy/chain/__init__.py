"""The attempt loop: `walk` goes through the targets, `engagement` makes one attempt, `verdict` has the last word."""
