"""A scripted provider that speaks every dialect and every fault: for `demo`, tests and benchmarks."""
