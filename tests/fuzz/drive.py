"""`python -m tests.fuzz.drive TARGET SECONDS KEPT`: one target under atheris, in this process, which ends with it.

What the fuzzer finds worth keeping goes to the folder KEPT; an input that breaks an invariant lies there as
`crash-...` (`timeout-...`, `oom-...`), and the process ends with another code than 0.
"""

import sys
from pathlib import Path

MOST = 4096
"""Bytes of an input: what breaks a parser is short."""
SLOW_S = 20
MEMORY_MB = 2048


def main(name: str, seconds: str, kept: str) -> None:
    import atheris  # installed by `make fuzz` alone

    with atheris.instrument_imports(include=["proxy", "translators"]):
        from tests.fuzz.catalog import CORPUS, TARGETS
    from tests.fuzz.mutate import Vocabulary, mutated

    seeds = CORPUS / name
    Path(kept).mkdir(parents=True, exist_ok=True)
    words = Vocabulary(path.read_bytes() for path in sorted(seeds.iterdir()))

    def custom(data: bytes, most: int, seed: int) -> bytes:
        return mutated(data, most, seed, words, atheris.Mutate)

    limits = [f"-max_len={MOST}", f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MB}"]
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={kept}/", "-print_final_stats=1", *limits]
    atheris.Setup([sys.argv[0], *options, kept, str(seeds)], TARGETS[name], custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
