"""Who is told that a budget is running out: the log, the metrics and one webhook, each threshold once in a window."""
