"""What Google's errors mean."""

import orjson
import pytest

from translators import gemini
from translators.faults import Fault, Kind
from translators.profile import Profile


def fault(status, message="", word="", details=(), wrap=lambda error: {"error": error}):
    error = {"code": status, "message": message, "status": word, "details": list(details)}
    return gemini.parse_fault(status, orjson.dumps(wrap(error)), Profile())


def quota(name):
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


@pytest.mark.parametrize(
    ("status", "word", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "Please use a valid role: user, model.", Kind.REFUSED),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", Kind.AUTH),
        (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", Kind.AUTH),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", Kind.AUTH),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            Kind.TOO_LONG,
        ),
        (400, "INVALID_ARGUMENT", "This prompt violates Google's Responsible AI practices.", Kind.CONTENT),
        (401, "UNAUTHENTICATED", "", Kind.AUTH),
        (402, "", "", Kind.QUOTA),
        (403, "PERMISSION_DENIED", "", Kind.AUTH),
        (404, "NOT_FOUND", "models/x is not found", Kind.MISSING),
        (413, "", "", Kind.TOO_LONG),
        (429, "RESOURCE_EXHAUSTED", "Too many tokens: input token count exceeds the maximum", Kind.THROTTLED),
        (499, "CANCELLED", "", Kind.SERVER),
        (500, "INTERNAL", "", Kind.SERVER),
        (500, "INVALID_ARGUMENT", "bad", Kind.REFUSED),
        (503, "UNAVAILABLE", "The model is overloaded.", Kind.OVERLOADED),
        (504, "DEADLINE_EXCEEDED", "", Kind.TIMEOUT),
        (418, "", "", Kind.REFUSED),
        (599, "", "", Kind.SERVER),
    ],
)
def test_each_error_has_its_kind(status, word, message, kind):
    assert fault(status, message, word).kind is kind


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("API_KEY_INVALID", Kind.AUTH), ("MODEL_CAPACITY_EXHAUSTED", Kind.OVERLOADED), ("NOVEL", Kind.REFUSED)],
)
def test_a_reason_outranks_the_status(reason, kind):
    assert fault(400, "", "INVALID_ARGUMENT", [{"reason": reason}]).kind is kind


@pytest.mark.parametrize(
    ("message", "details", "wait"),
    [
        ("", [{"retryDelay": "34.4s"}], 34.4),
        ("Please retry in 48.9s.", [], 48.9),
        ("Please retry in 500ms.", [], 0.5),
        ("", [{"retryDelay": "soon"}], None),
        ("Please retry in 999999999s.", [], 86_400),
    ],
)
def test_the_wait_stands_in_the_body(message, details, wait):
    assert fault(429, message, "RESOURCE_EXHAUSTED", details).retry_after_s == wait


def test_a_full_day_and_spent_money_are_a_quota_and_a_full_minute_is_a_rate():
    plan = "You exceeded your current quota, please check your plan and billing details."
    minute = fault(429, plan, "RESOURCE_EXHAUSTED", [quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")])
    day = fault(429, plan, "RESOURCE_EXHAUSTED", [quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")])
    none = fault(429, "Quota exceeded for metric: x, limit: 0", "RESOURCE_EXHAUSTED")
    assert [(one.kind, one.daily) for one in (minute, day, none)] == [
        (Kind.THROTTLED, False),
        (Kind.QUOTA, True),
        (Kind.QUOTA, False),
    ]


@pytest.mark.parametrize(
    ("message", "repair"),
    [
        ("Function call is missing a thought_signature in functionCall parts, position 2.", "reasoning"),
        ("Invalid thought signature.", "reasoning"),
        ("Corrupted thought signature.", "reasoning"),
        ("Unknown field thought signature mode.", ""),
        ("Something else is missing.", ""),
    ],
)
def test_a_lost_signature_can_be_mended(message, repair):
    got = fault(400, message, "INVALID_ARGUMENT")
    assert (got.kind, got.repair) == (Kind.REFUSED, repair)


def test_an_error_may_stand_in_a_list_and_its_code_outranks_the_status():
    assert fault(404, wrap=lambda error: [{"error": error}]).kind is Kind.MISSING
    assert gemini.parse_fault(200, b'{"error":{"code":429}}', Profile()).kind is Kind.THROTTLED


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"[3]", b'{"error":"words"}', b'{"error":{"details":[3,{"violations":3}]}}']
)
def test_any_body_is_some_fault(body):
    got = gemini.parse_fault(503, body, Profile())
    assert (got.kind, bool(got.message)) == (Kind.OVERLOADED, True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, Kind.SERVER), (429, Kind.THROTTLED), *((one, Kind.PROTOCOL) for one in (400, 401, 403, 404, 413))],
)
def test_a_web_page_is_not_googles_word(status, kind):
    found = gemini.parse_fault(status, b"<html><title>secret host</title>API key not valid</html>", Profile())
    assert found.kind is kind
    assert "secret" not in found.message


def test_googles_words_are_told_only_where_the_caller_can_act():
    assert fault(400, "Say it  otherwise.", "INVALID_ARGUMENT").message == "Say it otherwise."
    assert "project-7" not in fault(403, "Denied for project-7", "PERMISSION_DENIED").message


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (Kind.REFUSED, 400, "INVALID_ARGUMENT"),
        (Kind.THROTTLED, 429, "RESOURCE_EXHAUSTED"),
        (Kind.SERVER, 502, "INTERNAL"),
        (Kind.DEADLINE, 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_an_error_is_told_in_googles_shape(kind, status, word):
    code, body = gemini.render_fault(Fault(kind=kind, message="M."), {"attempts": 2})
    assert code == status
    told = {"code": status, "message": "M.", "status": word, "sidestep": {"attempts": 2}}
    assert orjson.loads(body) == {"error": told}


def test_a_message_of_nothing_that_can_be_said_is_ours():
    assert fault(400, "\0 \x01", "INVALID_ARGUMENT").message == "The provider refused the request."
