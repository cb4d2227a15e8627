"""Closed-loop load: `wrk` where it is installed, else this project's own generator."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import module, run
from tests.bench.servers import CLIENT_KEY, has_wrk

CONNECTIONS = 32
QUESTION = "Tell me in one sentence why a spare tyre is worth its place in the boot of a car."


@dataclass(frozen=True, slots=True)
class Rate:
    per_s: float
    errors: int
    tool: str


def body(model: str, *, stream: bool = False) -> str:
    """A chat request's JSON."""
    told = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    return json.dumps({**told, "stream": True} if stream else told)


def measure(url: str, request: str, seconds: float, cores: set[int], folder: Path) -> Rate:
    """Whole answers a second to `request`, POSTed to `url` over 32 connections, each asking again once answered."""
    if has_wrk():
        return _wrk(url, request, seconds, cores, folder)
    arguments = ("closed", url, request, str(seconds), str(CONNECTIONS))
    told = json.loads(run(module("generator", *arguments), cores, seconds + 30))
    return Rate(told["answers"] / told["seconds"], told["errors"], "own generator")


def _wrk(url: str, request: str, seconds: float, cores: set[int], folder: Path) -> Rate:
    script = folder / "request.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = [==[{request}]==]\nwrk.headers["content-type"] = "application/json"\n'
        f'wrk.headers["authorization"] = "Bearer {CLIENT_KEY}"\n'
    )
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script), url]
    return read_wrk(run(command, cores, seconds + 30))


def read_wrk(output: str) -> Rate:
    """What wrk's report says. Raises ValueError where it says nothing."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if not rate:
        raise ValueError(f"wrk reported no rate: {output[-300:]}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    errors = int(bad.group(1)) if bad else 0
    errors += sum(int(count) for count in broken.groups()) if broken else 0
    return Rate(float(rate.group(1)), errors, "wrk")
