"""How far the estimate of tokens is from tiktoken's count, over the texts of all recorded exchanges, script by script.

`make estimates` prints the table that stands in docs/budgets.md.
"""

import re
import tomllib
import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import quantiles

import orjson

from proxy.tokens import exact
from proxy.tokens.estimated import BYTES_PER_TOKEN
from tests.recorded import exchanges as recorded

LEAST, MOST = 40, 20_000
"""Characters of a text that is looked at: shorter ones say little, longer ones are cut."""
TEXTS = 2_000
"""Of a script: so many are enough."""
MODEL = "gpt-4o"
CODE = re.compile(
    r"(?m)^\s*(def |class |import |from \w+ import|return |const |let |function |#include|public |\}|</?\w+>)|```"
)
SCRIPTS = {"CJK": "CJK", "HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK", "CYRILLIC": "Cyrillic"}
SCRIPTS |= {"ARABIC": "Arabic", "DEVANAGARI": "Devanagari", "GREEK": "Greek"}
SAMPLES = tomllib.loads(Path(__file__).with_name("samples.toml").read_text("utf-8"))
"""Of scripts that hardly any recording holds: a sentence each."""
BLOB = re.compile(r"[A-Za-z0-9+/=_-]{200,}")


def script_of(text):
    """Whose letters a third of the text is; else code, JSON or Latin. None for what is no text at all."""
    if BLOB.search(text) or " " not in text:
        return None
    letters = [letter for letter in text if letter.isalpha()]
    counts = defaultdict(int)
    for letter in letters:
        if not letter.isascii():
            name = SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0])
            counts[name] += name is not None
    script, count = max(counts.items(), key=lambda one: one[1], default=(None, 0))
    if count * 3 > len(letters):
        return script
    if text.lstrip()[:1] in ("{", "["):
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
        else:
            return "JSON"
    return "code" if len(CODE.findall(text)) > 2 else "Latin"


def said(value, name=""):
    """Every text of a body that somebody wrote: no ids, no data."""
    if isinstance(value, str):
        if len(value) >= LEAST and name not in (
            "data",
            "url",
            "signature",
            "thoughtSignature",
            "encrypted_content",
            "id",
        ):
            yield value[:MOST]
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from said(one, key)
        if isinstance(value.get("parameters") or value.get("input_schema"), dict):
            yield orjson.dumps(value.get("parameters") or value["input_schema"]).decode()
    elif isinstance(value, list):
        for one in value:
            yield from said(one, name)


def answer_of(one):
    """A whole answer; of a stream its text lies in pieces."""
    try:
        return None if one["sse"] else orjson.loads(one["response_body"] or "null")
    except orjson.JSONDecodeError:
        return None


@cache
def texts():
    """Distinct texts by their script."""
    found = defaultdict(dict)
    for one in recorded.exchanges():
        for text in (*said(one["request_body"]), *said(answer_of(one))):
            script = script_of(text)
            if script is not None and len(found[script]) < TEXTS:
                found[script][text] = None
    return {script: tuple(kept) for script, kept in found.items()}


def rows():
    """Script, number of texts, and estimate to count: the tenth that is lowest, the middle, the tenth that is highest,
    and of all texts together."""
    for script, kept in sorted(texts().items()):
        pairs = [(-(-len(text.encode()) // BYTES_PER_TOKEN), exact(text, MODEL)) for text in kept]
        ratios = sorted(estimate / count for estimate, count in pairs)
        if len(ratios) < 5:
            continue
        low, *_, high = quantiles(ratios, n=10)
        whole = sum(estimate for estimate, _ in pairs) / sum(count for _, count in pairs)
        yield script, len(ratios), low, ratios[len(ratios) // 2], high, whole


def samples():
    """Script, and estimate to count."""
    for script, text in SAMPLES.items():
        yield script, -(-len(text.encode()) // BYTES_PER_TOKEN) / exact(text, MODEL)


if __name__ == "__main__":
    print("| texts | number | lowest tenth | middle | highest tenth | together |")
    print("|---|---|---|---|---|---|")
    for script, number, *ratios in rows():
        print(f"| {script} | {number} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |")
    for script, ratio in samples():
        print(f"| {script}, a sample | 1 | | {ratio:.2f} | | {ratio:.2f} |")
