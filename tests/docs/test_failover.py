"""The page on failover says what the tables of the code say, and what a running proxy tells."""

import json
import re
import urllib.request
from pathlib import Path

from proxy.telemetry import names
from proxy.upstream.pump import GRACE_S
from translators.anthropic_messages import faults as messages
from translators.faults import OUTCOMES, Again, Onward
from translators.gemini import faults as gemini
from translators.openai import faults as chat
from translators.profile import Profile

PAGE = "docs/failover.md"
ROOT = Path(__file__).parents[2]
BREAKER = {"failure": "fail", "success": "success", "neutral": "neutral", "ignored": "ignored"}
AGAIN = {
    "never": Again.NEVER,
    "yes": Again.YES,
    "once": Again.ONCE,
    "after a short wait": Again.SHORT_WAIT,
    "with another key": Again.NEXT_KEY,
}
ONWARD = {
    "yes": Onward.YES,
    "no": Onward.NO,
    "after a translation": Onward.IF_TRANSLATED,
    "to a larger window": Onward.IF_LARGER,
    "if failover_on_content": Onward.IF_ALLOWED,
}
CODE = {"none": None, "the provider's": None}


def test_the_table_of_faults_is_the_codes_own(rows):
    told = {
        row["kind"]: (
            BREAKER[row["breaker"]],
            AGAIN[row["same target again"]],
            ONWARD[row["next target"]],
            int(row["status if it is the last word"]),
            CODE.get(row["code"], row["code"]),
        )
        for row in rows(PAGE, "Kinds of faults")
    }
    assert told == {
        kind.value: (one.breaker, one.again, one.onward, one.status, one.code) for kind, one in OUTCOMES.items()
    }


def test_every_error_code_is_named_and_no_other(rows):
    told = {code for row in rows(PAGE, "Error codes") for code in row["code"].split(", ")}
    assert told == names.CODES


def test_a_status_that_dialects_take_differently_stands_with_each(rows):
    dialects = {"Anthropic's": messages, "Gemini's": gemini, "OpenAI's": chat}
    told = {row["kind"]: row["such as"] for row in rows(PAGE, "Kinds of faults")}
    assert told["server"].endswith("424, 498 in Anthropic's dialect")
    assert told["overloaded"].endswith("503 in Anthropic's and Gemini's dialects, 498 in OpenAI's")
    for status, kind, named in [
        (498, "server", {"Anthropic's"}),
        (498, "overloaded", {"OpenAI's"}),
        (503, "overloaded", {"Anthropic's", "Gemini's"}),
        (503, "server", {"OpenAI's"}),
    ]:
        found = {name for name, one in dialects.items() if one.parse_fault(status, b"", Profile()).kind.value == kind}
        assert found == named, (status, kind)


def test_how_long_a_client_may_wait_for_the_end_of_a_providers_body_is_the_codes_own():
    page = " ".join((ROOT / PAGE).read_text("utf-8").split())
    assert f"the end of the client's body waits for the provider's by up to {GRACE_S} s." in page


def fetched(url: str, body: bytes | None = None, **headers: str):
    request = urllib.request.Request(url, body, {"content-type": "application/json", **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return answer.headers, answer.read().decode()


def test_every_metric_is_named_with_its_labels_and_no_other(rows, proxy):
    body = b'{"model": "beta/demo-claude", "seed": 1, "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
    fetched(f"http://{proxy.data}/v1/chat/completions", body)
    _, text = fetched(f"http://{proxy.admin}/metrics")
    found = {
        name + ("_total" if kind == "counter" and not name.endswith("_total") else ""): labels(text, name)
        for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\w+)$", text)
    }
    told = {
        name: set() if row["labels"] == "none" else set(row["labels"].split(", "))
        for row in rows(PAGE, "Metrics")
        for name in row["name"].split(", ")
    }
    assert set(told) == set(found)
    seen = {name: of for name, of in found.items() if of is not None}
    assert {name: told[name] for name in seen} == seen


def labels(text: str, name: str) -> set[str] | None:
    """The labels of a metric's samples, `le` left out; None where it has no sample yet."""
    stem = name.removesuffix("_total")
    samples = re.findall(rf"(?m)^{stem}(?:_total|_bucket|_count|_sum)?(?:\{{(.*?)\}})? \S+$", text)
    if not samples:
        return None
    return {label for sample in samples for label in re.findall(r"(\w+)=\"", sample)} - {"le"}


def test_every_header_of_an_answer_is_named(rows, proxy):
    body = b'{"model": "beta/demo-claude", "seed": 1, "messages": [{"role": "user", "content": "Hi"}]}'
    headers, _ = fetched(f"http://{proxy.data}/v1/chat/completions", body)
    told = {name for row in rows(PAGE, "Headers") for name in row["answer"].split(", ")}
    own = {name.lower() for name in headers if name.lower().startswith("x-")}
    assert {"x-sidestep-provider", "x-sidestep-translation", "x-request-id"} <= own <= told


def test_every_header_that_a_request_may_carry_is_named(rows):
    told = {name for row in rows(PAGE, "Headers", 1) for name in row["request"].split(", ")}
    whose = {names.USER, names.TEAM, names.TASK, names.SESSION, "idempotency-key"}
    assert told == {names.MODE, names.METADATA, names.KEEP_ALIVE, names.REQUEST_TIMEOUT, names.STRATEGY, *whose}


def test_the_log_line_shown_has_the_fields_of_a_real_one(all_blocks, proxy):
    [shown] = [json.loads(block.text) for block in all_blocks if block.text.startswith('{"time"')]
    fetched(f"http://{proxy.data}/v1/models")
    real = json.loads(proxy.log.readline())
    assert real["event"] == names.EXCHANGE
    assert list(shown) == list(real)
