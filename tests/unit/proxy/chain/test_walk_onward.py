"""Which target may follow: after a translation, into a larger window, where the configuration lets it."""

import pytest

BAD = (400, {}, {"error": {"message": "No such field.", "code": "unknown_parameter"}})
LONG = (400, {}, {"error": {"message": "Too long.", "code": "context_length_exceeded"}})
POLICY = (400, {}, {"error": {"message": "Not allowed.", "code": "content_policy_violation"}})
CLAUDE_BAD = (400, {}, {"error": {"type": "invalid_request_error", "message": "messages: odd"}})


def windows(lab, **sizes: int | None):
    """A chain of providers whose context windows are so large; None: not known."""
    for name, size in sizes.items():
        models = {"large": {} if size is None else {"context_window": size}}
        lab.provider(name, models=models).script[0] = LONG
    lab.route("m", *sizes)


def test_a_refusal_of_a_translation_may_be_the_translations_fault_and_goes_on(lab):
    claude, _ = lab.chain("claude", "alpha")
    claude.script[0] = CLAUDE_BAD
    answer = lab.ask()
    assert answer.kinds == ["refused", "ok"]
    assert answer.status == 200


def test_a_refusal_of_the_clients_own_words_stands(lab):
    alpha, _ = lab.chain("alpha", "claude")
    alpha.script[0] = BAD
    answer = lab.ask()
    assert (answer.status, answer.error["message"]) == (400, "No such field.")
    assert lab.called == ["alpha"]


def test_after_failovers_the_primarys_fault_decides_and_a_later_400_is_named(lab):
    alpha, claude = lab.chain("alpha", "claude")
    alpha.script[0], claude.script[0] = "refuse", CLAUDE_BAD
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (502, "all_targets_failed")
    assert "claude/large: refused 400, messages: odd" in answer.error["message"]


def test_a_later_refusal_of_the_clients_own_words_ends_the_walk(lab):
    alpha, beta, gamma = lab.chain("alpha", "beta", "gamma")
    alpha.script[0], beta.script[0] = 503, BAD
    answer = lab.ask()
    assert answer.status == 502
    assert not gamma.calls


def test_a_refusal_after_a_hiccup_of_the_same_target_stands_as_it_is(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script.clear()
    alpha.script.extend([503, BAD])
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (400, "unknown_parameter")


def test_what_is_too_long_goes_only_to_a_target_known_to_take_more(lab):
    windows(lab, alpha=1000, beta=1000, gamma=None, delta=2000)
    lab.engines["delta"].script[0] = "ok"
    answer = lab.ask()
    assert lab.called == ["alpha", "delta"]
    assert answer.headers["x-sidestep-provider"] == "delta"
    assert [name for name, _ in answer.exchange.skipped] == ["beta/large", "gamma/large"]


def test_what_was_too_long_for_the_larger_one_is_measured_against_that_one(lab):
    windows(lab, alpha=1000, beta=3000, gamma=2000)
    answer = lab.ask()
    assert lab.called == ["alpha", "beta"]
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("sizes", [(None, 2000), (1000, None), (None, None)])
def test_an_unknown_window_is_not_larger_than_any(lab, sizes):
    windows(lab, alpha=sizes[0], beta=sizes[1])
    answer = lab.ask()
    assert lab.called == ["alpha"]
    assert answer.error["sidestep"]["skipped"] == [
        {"target": "beta/large", "reason": "its context window is not known to be larger"}
    ]


def test_after_another_fault_a_smaller_window_is_no_obstacle(lab):
    windows(lab, alpha=3000, beta=1000)
    lab.engines["alpha"].script[0] = 503
    lab.engines["beta"].script[0] = "ok"
    assert lab.ask().headers["x-sidestep-provider"] == "beta"


@pytest.mark.parametrize("allowed", [False, True])
def test_a_refusal_of_the_content_goes_on_only_where_the_model_says_so(lab, allowed):
    alpha, beta = lab.chain("alpha", "beta")
    lab.route("m", "alpha", "beta", failover_on_content=allowed)
    alpha.script[0] = POLICY
    answer = lab.ask()
    assert bool(beta.calls) is allowed
    assert answer.status == (200 if allowed else 400)


def test_a_target_that_cannot_say_the_request_is_skipped_and_told(lab):
    lab.chain("claude", "alpha")
    answer = lab.ask({"n": 2})
    assert lab.called == ["alpha"]
    ((name, reason),) = answer.exchange.skipped
    assert name == "claude/large" and reason.startswith("n:")


def test_a_skipped_targets_attempts_go_to_the_others(lab):
    _, alpha, beta = lab.chain("claude", "alpha", "beta")
    alpha.script[0] = beta.script[0] = 503
    lab.ask({"n": 2})
    assert lab.called == ["alpha"] * 3 + ["beta"] * 3


def test_what_no_target_can_say_is_a_400_that_names_the_field(lab):
    lab.chain("claude")
    answer = lab.ask({"n": 2})
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "unsupported_parameter", "n")
    assert not lab.called


def test_in_lenient_mode_the_field_is_left_out_and_the_answer_says_so(lab):
    lab.chain("claude")
    answer = lab.ask({"n": 2}, headers={"x-sidestep-mode": "lenient"})
    assert answer.status == 200
    assert "n" in answer.headers["x-sidestep-translation"].partition("dropped=")[2].split(",")


def test_in_strict_mode_a_mere_hint_skips_the_target(lab):
    lab.chain("claude", "alpha")
    answer = lab.ask({"seed": 7}, headers={"x-sidestep-mode": "strict"})
    assert lab.called == ["alpha"]
    assert answer.exchange.skipped[0][1].startswith("seed:")


ODD = {"messages": [{"role": "user", "content": 5}]}


def test_a_body_that_cannot_be_read_skips_the_target_that_needs_it_read(lab):
    lab.chain("claude", "alpha")
    answer = lab.ask(ODD)
    assert lab.called == ["alpha"]
    assert answer.status == 200
    assert "messages[0].content" in answer.exchange.skipped[0][1]


def test_a_body_that_no_target_could_read_is_the_clients_error(lab):
    lab.chain("claude")
    answer = lab.ask(ODD)
    assert (answer.status, answer.error["param"]) == (400, "messages[0].content")
    assert "No target" not in answer.error["message"]


def test_a_body_that_cannot_be_read_is_no_excuse_for_a_target_that_failed(lab):
    alpha, _ = lab.chain("alpha", "claude")
    alpha.script[0] = 503
    answer = lab.ask(ODD)
    assert (answer.status, answer.error["code"]) == (502, "all_targets_failed")


def words(count: int) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": "word " * count}]}


def test_an_input_that_cannot_fit_is_never_sent_and_a_larger_window_serves(lab):
    windows(lab, alpha=1000, beta=2000)
    lab.engines["beta"].script[0] = "ok"
    answer = lab.ask(words(1001))
    assert answer.status == 200
    assert lab.called == ["beta"]
    assert not lab.engines["alpha"].calls
    assert answer.headers["x-sidestep-skipped"] == "alpha/large"


def test_an_input_that_fits_no_window_is_told_as_too_long(lab):
    windows(lab, alpha=1000, beta=900)
    answer = lab.ask(words(1001))
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded")
    assert "alpha/large: messages: at least 1001 tokens are more than its context w" in answer.error["message"]
    assert lab.called == []


def test_a_model_without_tools_is_not_asked_for_them_though_the_dialect_is_the_same(lab):
    lab.provider("alpha", models={"large": {"tools": False}})
    lab.provider("beta")
    lab.route("m", "alpha", "beta")
    answer = lab.ask(words(1) | {"tools": [{"type": "function", "function": {"name": "f"}}]})
    assert answer.status == 200
    assert lab.called == ["beta"]


def test_what_a_target_said_stands_where_the_body_cannot_be_put_in_the_way_that_it_wants(lab):
    """A field that is not known here yet is not at fault: the body was fit to be relayed."""
    unfit = "This model is only supported in v1/responses and not in v1/chat/completions."
    alpha = lab.provider("alpha", models={"large": {"responses": "available"}})
    alpha.script[0] = (404, {}, {"error": {"message": unfit, "type": "invalid_request_error"}})
    lab.route("m", "alpha")
    answer = lab.ask({"logit_bias": "of tomorrow"})
    assert (answer.status, answer.error["message"], answer.kinds) == (404, unfit, ["refused"])
