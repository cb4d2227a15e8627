"""What a provider says of a call is told without the secrets that it quotes."""

import pytest

from proxy.upstream.quoting import unquoted, unquoted_body
from translators.faults import Fault, Kind

KEY = "sk-proj-0123456789abcdef"
SENT = [
    ("content-type", "application/json"),
    ("authorization", f"Bearer {KEY}"),
    ("api-key", "0123456789abcdef"),
    ("x-gateway-token", "gw-3141592653589"),
    ("idempotency-key", "once-upon-a-time"),
]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"The key '{KEY}' is not known.", "The key '***' is not known."),
        (f"authorization=Bearer {KEY}; api-key=0123456789abcdef", "authorization=Bearer *** api-key=***"),
        (f"cut after {KEY[:15]}…", "cut after ***"),
        ("sent by gw-3141592653589 once-upon-a-time", "sent by *** once-upon-a-time"),
        ("'temperature' does not support 3 with this model.", "'temperature' does not support 3 with this model."),
    ],
)
def test_a_secret_of_the_call_is_hidden_whole_or_in_part(said, told):
    fault = Fault(kind=Kind.REFUSED, status=400, message=said, type=said, code=said, param=said)
    clean = unquoted(fault, SENT)
    assert (clean.message, clean.type, clean.code, clean.param) == (told, told, told, told)
    assert (clean.kind, clean.status) == (Kind.REFUSED, 400)


def test_a_body_keeps_its_bytes_and_stays_json():
    body = f'{{"error":{{"message":"Schlüssel {KEY}","code":"x"}}}}'.encode()
    assert unquoted_body(body, SENT) == '{"error":{"message":"Schlüssel ***","code":"x"}}'.encode()
    assert unquoted_body(b"\xff\x00", SENT) == b"\xff\x00"


def test_a_word_that_serves_as_a_key_is_no_secret():
    fault = Fault(kind=Kind.REFUSED, message="ollama has no such model")
    assert unquoted(fault, [("authorization", "Bearer ollama")]) is fault
