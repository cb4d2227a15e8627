"""The last word: which error a client gets when no target answered."""

from proxy.chain.verdict import Skip, last_word, told_first
from proxy.flow import Refused
from translators.faults import Fault, Kind


def fault(kind: Kind, status: int = 0, message: str = "it said so", **more) -> Fault:
    return Fault(kind=kind, status=status, message=message, **more)


def test_a_refusal_of_the_request_is_told_as_it_is():
    refused = fault(Kind.REFUSED, 400, "temperature is too high", param="temperature")
    assert last_word([("a/m", refused)], []).fault is refused


def test_after_failovers_the_primarys_fault_decides_and_later_400s_are_named():
    word = last_word(
        [("a/m", fault(Kind.SERVER, 503, "it is down")), ("b/m", fault(Kind.REFUSED, 400, "no tools here"))], []
    )
    assert word.fault.kind is Kind.SERVER
    assert "a/m: server 503, it is down" in word.fault.message
    assert "b/m: refused 400, no tools here" in word.fault.message
    assert not word.should_retry


def test_the_primarys_latest_fault_counts():
    word = last_word(
        [("a/m", fault(Kind.SERVER, 500)), ("a/m", fault(Kind.TIMEOUT)), ("b/m", fault(Kind.SERVER, 500))], []
    )
    assert word.fault.kind is Kind.TIMEOUT


def test_when_all_throttle_the_smallest_wait_is_sent_on_and_worth_a_retry():
    word = last_word(
        [
            ("a/m", fault(Kind.THROTTLED, 429, retry_after_s=40.0)),
            ("b/m", fault(Kind.THROTTLED, 429, retry_after_s=7.0)),
        ],
        [Skip("c/m", "throttled", "asked to wait 9 s more", 9.0)],
    )
    assert (word.fault.kind, word.retry_after_s, word.should_retry) == (Kind.THROTTLED, 7.0, True)


def test_a_wait_the_sdk_would_give_up_on_is_not_worth_a_retry():
    word = last_word([("a/m", fault(Kind.THROTTLED, 429, retry_after_s=600.0))], [])
    assert not word.should_retry


def test_one_throttled_among_other_failures_does_not_make_it_a_429():
    word = last_word([("a/m", fault(Kind.CONNECT)), ("b/m", fault(Kind.THROTTLED, 429, retry_after_s=7.0))], [])
    assert word.fault.kind is Kind.CONNECT
    assert word.retry_after_s is None


def test_all_breakers_open_is_a_503_with_a_clamped_wait():
    word = last_word([], [Skip("a/m", "breaker", "its breaker is open", 200.0)])
    assert (word.fault.status, word.fault.code) == (503, "no_target_available")
    assert (word.retry_after_s, word.should_retry) == (30.0, True)


def test_what_no_target_can_express_is_a_400_naming_the_field():
    word = last_word([], [Skip("a/m", "cannot", "logprobs: anthropic has none", param="logprobs")])
    assert (word.fault.status, word.fault.code, word.fault.param) == (400, "unsupported_parameter", "logprobs")


def test_keys_that_are_all_off_are_our_providers_business_and_a_503():
    word = last_word([], [Skip("a/m", "keys", "every key of a is refused or out of quota")])
    assert word.fault.kind is Kind.AUTH
    assert word.fault.outcome.status == 503
    assert not word.should_retry


def test_a_key_that_is_off_is_not_worth_a_retry_but_says_when_it_is_tried():
    word = last_word([], [Skip("a/m", "keys", "every key of a is refused", 7.0), Skip("b/m", "cannot", "n: one only")])
    assert (word.retry_after_s, word.should_retry) == (7.0, False)


def test_a_wait_that_ends_by_itself_is_told_before_the_next_try_of_a_key():
    skips = [Skip("a/m", "keys", "every key of a is refused", 7.0), Skip("b/m", "breaker", "its breaker is open", 20.0)]
    word = last_word([], skips)
    assert (word.retry_after_s, word.should_retry) == (20.0, True)


def test_what_no_window_can_hold_is_told_as_clients_know_it():
    word = last_word([], [Skip("a/m", "smaller", "messages: at least 9 tokens are more than its context window of 8")])
    assert (word.fault.kind, word.fault.status, word.fault.code) == (Kind.TOO_LONG, 400, "context_length_exceeded")
    mixed = last_word([], [Skip("a/m", "smaller", "too long"), Skip("b/m", "cannot", "tools: none", param="tools")])
    assert (mixed.fault.status, mixed.fault.code) == (400, "unsupported_parameter")


def test_of_reasons_why_nothing_can_be_paid_for_what_passes_by_itself_is_told():
    def refused(status):
        return Refused(Fault(kind=Kind.REFUSED, status=status, message=""))

    unpriced, spent, away = refused(403), refused(429), refused(503)
    assert told_first(None, unpriced) is unpriced
    assert told_first(unpriced, spent) is spent and told_first(spent, unpriced) is spent
    assert told_first(spent, away) is away
    assert told_first(spent, refused(429)) is spent
