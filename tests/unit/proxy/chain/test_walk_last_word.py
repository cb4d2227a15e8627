"""What a client is told when nobody answered, and what stays known of a walk that ended well."""

import gzip

import orjson
import pytest

SPOKEN = {"error": {"message": "Bad key sk-alpha-0 of org-77.", "code": "invalid_api_key"}}
LONG = (400, {}, {"error": {"message": "Too long.", "code": "context_length_exceeded"}})


def test_each_target_is_named_with_its_reason_and_each_attempt_is_listed(lab):
    alpha, beta, gamma = lab.chain("alpha", "beta", "gamma")
    alpha.script[0], beta.script[0], gamma.script[0] = "refuse", 529, (401, {}, SPOKEN)
    answer = lab.ask()
    error = answer.error
    assert (answer.status, error["code"]) == (502, "all_targets_failed"), "the primary decides"
    for reason in ("alpha/large: connect, ", "beta/large: overloaded 529, ", "gamma/large: auth 401, "):
        assert error["message"].count(reason) == 1
    attempts = error["sidestep"]["attempts"]
    assert [one["target"][0] + ":" + one["kind"] for one in attempts] == [
        *["a:connect"] * 3,
        *["b:overloaded"] * 2,
        "g:auth",
    ]
    assert all(one["message"] and one["ms"] >= 0 for one in attempts)
    assert [one["status"] for one in attempts] == [0, 0, 0, 529, 529, 401]
    assert answer.headers["x-sidestep-attempts"].startswith("alpha/large;connect;0;0, alpha/large;connect;0;0, ")
    assert "x-sidestep-provider" not in answer.headers


def test_nothing_of_a_key_or_an_account_is_told(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = beta.script[0] = (401, {}, SPOKEN)
    answer = lab.ask()
    everything = answer.body + repr((answer.headers, lab.lines, lab.alerts)).encode()
    for secret in (b"sk-alpha", b"sk-beta", b"org-77"):
        assert secret not in everything


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("coding", "told"), [("gzip", "it compressed its answer (gzip) unasked"), ("identity", "it")])
def test_an_answer_that_is_compressed_though_nobody_asked_is_called_that(lab, stream, coding, told):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = (200, {"content-encoding": coding}, gzip.compress(b"{}"))
    answer = lab.ask(stream=stream)
    assert (answer.status, answer.error["code"]) == (502, "upstream_invalid_response")
    assert f"alpha/large: protocol 200, {told}" in answer.error["message"]
    assert ("compressed" in answer.error["message"]) is (coding == "gzip")


def test_a_refusal_without_a_reason_is_told_as_a_sentence(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = (418, {}, b"short and stout")
    answer = lab.ask()
    assert (answer.status, answer.error["message"]) == (418, "The provider refused the request without a reason.")


QUOTING = {
    "error": {"message": "No: Bearer sk-alpha-0.", "type": "sk-alpha-0", "code": "sk-alpha-0", "param": "sk-alpha-0"}
}
EVENT = {"error": {"message": "No: Bearer sk-alpha-0.", "code": "content_policy_violation"}}


@pytest.mark.parametrize("behaviour", [(400, {}, QUOTING), (422, {}, QUOTING), (200, {}, EVENT)])
def test_what_a_provider_says_of_the_request_is_told_without_the_key_that_it_quotes(lab, behaviour):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = behaviour
    answer = lab.ask()
    assert answer.error["message"].startswith("No: Bearer ***")
    assert "sk-alpha" not in repr((answer.body, answer.headers, lab.lines))


def test_so_is_what_it_says_after_the_first_content(lab):
    (alpha,) = lab.chain("alpha")
    said = {"choices": [{"index": 0, "delta": {"content": "word"}}]}
    alpha.script[0] = [b"data: " + orjson.dumps(one) + b"\n\n" for one in (said, EVENT)]
    answer = lab.ask({"stream": True})
    assert b"word" in answer.body
    assert b"No: Bearer ***" in answer.body
    assert b"sk-alpha" not in answer.body


@pytest.mark.parametrize(
    ("param", "told"), [("input[0].content", None), ("max_output_tokens", None), ("temperature", "temperature")]
)
def test_a_field_is_named_only_where_the_client_has_it(lab, param, told):
    """A target that got a translation speaks of that."""
    lab.provider("alpha", models={"large": {"responses": "only"}})
    lab.route("m", "alpha")
    error = {"message": "Unsupported.", "type": "invalid_request_error", "param": param, "code": "unsupported_value"}
    lab.engines["alpha"].script[0] = (400, {}, {"error": error})
    answer = lab.ask({"temperature": 1.5, "max_tokens": 9})
    assert (answer.status, answer.error["message"], answer.error["param"]) == (400, "Unsupported.", told)


def event(kind, **fields):
    return b"data: " + orjson.dumps({"type": kind, "sequence_number": 1, **fields}) + b"\n\n"


WORD = event("response.output_text.delta", item_id="i", output_index=0, content_index=0, delta="word")


@pytest.mark.parametrize("n", [1, 2], ids=["one answer", "several"])
@pytest.mark.parametrize(("param", "told"), [("input[0].content", None), ("temperature", "temperature")])
def test_nor_is_another_named_in_an_answer_that_has_begun(lab, param, told, n):
    lab.provider("alpha", models={"large": {"responses": "only"}})
    lab.route("m", "alpha", fan_out=True)
    failed = event("error", code="invalid_prompt", message="Against the rules.", param=param)
    lab.engines["alpha"].script[0] = [WORD, failed]
    answer = lab.ask({"temperature": 1.5, "n": n}, stream=True)
    error = orjson.loads(answer.body.rpartition(b"data: ")[2])["error"]
    assert b'"word"' in answer.body
    assert (error["message"], error["param"]) == ("Against the rules.", told)


def test_targets_that_were_passed_over_are_told_beside_those_that_failed(lab):
    _, alpha = lab.chain("claude", "alpha")
    alpha.script[0] = 503
    error = lab.ask({"n": 2}).error
    assert error["message"].startswith(
        "All targets failed: alpha/large: server 503, it failed on its side; claude/large: n:"
    )
    assert [one["target"] for one in error["sidestep"]["skipped"]] == ["claude/large"]


def test_a_lone_target_is_not_spoken_of_as_many(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = "cut"
    assert lab.ask().error["message"].startswith("The only target failed: alpha/large: protocol, ")


def test_the_primarys_last_fault_decides_not_its_first(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([503, "stall"])
    beta.script[0] = "refuse"
    answer = lab.ask()
    assert answer.status == 504


def test_a_primary_that_finds_the_request_too_long_has_the_last_word_over_a_larger_one_that_fails(lab):
    for name, size in (("alpha", 1000), ("beta", 2000)):
        lab.provider(name, models={"large": {"context_window": size}})
    lab.route("m", "alpha", "beta")
    lab.engines["alpha"].script[0], lab.engines["beta"].script[0] = LONG, 503
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded")
    assert [one["kind"] for one in answer.error["sidestep"]["attempts"]] == ["too_long", *["server"] * 3]


def test_when_keys_are_off_here_and_breakers_are_open_there_the_client_may_come_back(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = 401
    lab.ask()
    lab.breaker("beta").trip(lab.clock.now())
    beta.script[0] = 503
    assert lab.ask().error["code"] == "upstream_auth_error", "once in ten seconds the key is tried"
    assert lab.ask().status == 502, "and once a second the target behind its breaker"
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (503, "no_target_available")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("30", "true")


def test_an_answer_tells_who_was_tried_and_the_log_who_was_passed_over(lab):
    _, alpha, _ = lab.chain("claude", "alpha", "beta")
    alpha.script[0] = 529
    answer = lab.ask({"n": 2})
    assert answer.headers["x-sidestep-attempts"] == (
        "alpha/large;overloaded;529;0, alpha/large;overloaded;529;0, beta/large;ok;200;0"
    )
    line = lab.lines[-1]
    assert line["skipped"] == ["claude/large"]
    assert line["provider"] == "beta"


def test_a_walk_keeps_nothing_of_the_one_before(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([529, 529, "ok"])
    lab.ask()
    assert lab.ask().headers["x-sidestep-attempts"] == "alpha/large;ok;200;0"
