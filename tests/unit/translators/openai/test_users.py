"""Ids of users as OpenAI takes them."""

import hashlib

from translators.openai.users import USER_MAX, short_users
from translators.report import Report


def test_an_id_that_is_too_long_is_sent_as_its_hash_and_others_as_they_are():
    report, longest, longer = Report(), "u" * USER_MAX, "u" * (USER_MAX + 1)
    body = {"user": longer, "safety_identifier": longest, "model": longer}
    short_users(body, report)
    assert body == {"user": hashlib.sha256(longer.encode()).hexdigest(), "safety_identifier": longest, "model": longer}
    assert report.header() == "approximated=user"
