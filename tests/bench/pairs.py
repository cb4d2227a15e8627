"""Every ordered pair of dialects: answers a second, and what a chunk of a stream costs.

A stream's chunks leave the provider one a write and 5 ms apart, as tokens do, so that the proxy reads, translates and
writes each by itself. Chunks that come many in a read share the cost of the read, of the wake-up and of the write, and
would make every proxy look several times as fast: a figure says so where they did, and is none where it was the rule.
The cost is all the processor time of the proxy, user and system, over the chunks; opening and closing the stream is in
it. 32 streams keep the core about half busy: with fewer the code is colder, with more the chunks bunch.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench import load, servers
from tests.bench.machine import OTHER_CORES, Child, module, run
from tests.bench.provider import CHUNKS, SPOKEN
from tests.bench.report import Bar, Row, unmeasured

if TYPE_CHECKING:
    from tests.bench.figures import Bench

CLIENTS = {
    "chat": ("/chat/completions", "[DONE]"),
    "responses": ("/responses", "response.completed"),
    "messages": ("/messages", "message_stop"),
    "completions": ("/completions", "[DONE]"),
}
"""Client's dialect -> its path, and what is in the last event of its streams."""
SAME = {("chat", "chat"), ("responses", "responses"), ("messages", "anthropic")}
"""Pairs of one dialect, which are passed on and not translated."""
STREAMS = 32
SPREAD_S = 0.3
TOGETHER, BUNCHED = 1.1, 2.0
"""Chunks in a read: more than that is told, and so many are no measurement."""
CHUNK_BAR_US = 30.0
ANSWER_TOKENS = 2_000


def question(client: str, model: str, *, stream: bool = False) -> str:
    """A request's JSON in the client's dialect."""
    told: dict[str, Any] = {"model": model}
    if client == "responses":
        told |= {"input": load.QUESTION}
    elif client == "completions":
        told |= {"prompt": load.QUESTION, "max_tokens": ANSWER_TOKENS}
    else:
        told |= {"messages": [{"role": "user", "content": load.QUESTION}]}
    if client == "messages":
        told |= {"max_tokens": ANSWER_TOKENS}
    return json.dumps({**told, "stream": True} if stream else told)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a chunk cost, and how many came in a read."""

    us: float
    a_read: float

    def __str__(self) -> str:
        return f"{self.us:.0f} us" + (f", {self.a_read:.1f} chunks a read" if self.a_read > TOGETHER else "")


def pairs(bench: "Bench") -> list[Row]:
    rows = [_relayed(bench)]
    with bench.proxy(pairs=True) as (process, url):
        for client in CLIENTS:
            for provider in SPOKEN:
                try:
                    rows += _pair(bench, process, url, client, provider)
                except RuntimeError as error:
                    rows.append(unmeasured(f"{client} to {provider}", error))
    return rows


def _pair(bench: "Bench", process: Child, url: str, client: str, provider: str) -> list[Row]:
    path, end = CLIENTS[client]
    title, model = f"{client} to {provider}", f"pair-{provider}"
    rows = []
    if bench.pair_s:
        rate = bench.rate(url + path, question(client, model), bench.pair_s)
        rows.append(Row(f"{title}: unary", f"{rate:,.0f}/s"))
    asked = question(client, f"{model}-stream", stream=True)
    spent = _spent(process, url + path, asked, end, bench.rounds)
    bar = "" if (client, provider) in SAME else Bar("time", CHUNK_BAR_US, spent.us, "&le; {:.0f} us")
    return [*rows, Row(f"{title}: CPU of each of {CHUNKS} chunks", str(spent), bar)]


def _relayed(bench: "Bench") -> Row:
    """A chunk that is handed on unread."""
    path, end = CLIENTS["chat"]
    with servers.relay(bench.urls["pair-chat-stream"]) as (process, url):
        asked = question("chat", "pair-chat-stream", stream=True)
        spent = _spent(process, url + path, asked, end, bench.rounds)
    return Row(f"bare relay of bytes: CPU of each of {CHUNKS} chunks", str(spent))


def _spent(process: Child, url: str, asked: str, end: str, rounds: int) -> Spent:
    """What `process` spends on a chunk, the mean of `rounds`. Raises RuntimeError when a stream was not whole, or where
    chunks came so bunched that it says nothing."""
    before = process.cpu_s()
    chunks, pieces = rounds * STREAMS * CHUNKS, 0
    for _ in range(rounds):
        command = module("generator", "streams", url, asked, str(STREAMS), str(SPREAD_S), end)
        told = json.loads(run(command, OTHER_CORES, 60))
        pieces += told["pieces"]
        if told["whole"] < STREAMS:
            raise RuntimeError(f"{STREAMS - told['whole']} of {STREAMS} streams from {url} were not whole")
    spent = Spent((process.cpu_s() - before) / chunks * 1e6, chunks / max(1, pieces))
    if spent.a_read >= BUNCHED:
        raise RuntimeError(f"{spent.a_read:.1f} chunks came in a read, where each was to come by itself")
    return spent
