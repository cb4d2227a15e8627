"""What an alert says, and how it is signed."""

import hashlib
import hmac
import json

from proxy.alerts.message import body, facts, model_body, signed
from proxy.config.hidden import Secret
from proxy.config.spending import NANOS


def test_it_says_whose_budget_how_much_and_until_when(held_of):
    assert facts(held_of(), 0.8, 8_000_000_001) == {
        "budget": "users",
        "scope": {"team": "web", "user": "alice"},
        "unit": "usd",
        "amount": "10",
        "spent": "8.000000001",
        "fraction": 0.8,
        "threshold": 0.8,
        "window": "day",
        "window_ends": "2026-11-22T00:00:00Z",
    }


def test_tokens_and_requests_are_numbers(held_of):
    told = facts(held_of(unit="tokens", amount=1000), 1.0, 1001)
    assert (told["amount"], told["spent"], told["fraction"]) == (1000, 1001, 1.001)


def test_the_message_is_json_and_its_id_is_alike_whoever_tells_it(held_of):
    first = json.loads(body(facts(held_of(), 0.8, 8 * NANOS), 1_795_266_000.9))
    assert (first["event"], first["at"], first["threshold"]) == ("budget_alert", "2026-11-21T13:00:00Z", 0.8)
    again = json.loads(body(facts(held_of(), 0.8, 9 * NANOS), 1_795_266_100.0))
    other = json.loads(body(facts(held_of("bob"), 0.8, 8 * NANOS), 1_795_266_000.9))
    assert first["id"] == again["id"] != other["id"]
    assert first["id"] != json.loads(body(facts(held_of(), 1.0, 8 * NANOS), 0.0))["id"]


def test_the_signature_is_what_a_receiver_computes():
    headers = dict(signed(Secret("s3cret"), b'{"a":1}', 1_795_266_000.9))
    made = hmac.new(b"s3cret", b'1795266000.{"a":1}', hashlib.sha256).hexdigest()
    assert headers == {"x-sidestep-timestamp": "1795266000", "x-sidestep-signature": f"sha256={made}"}


def test_a_model_that_fares_badly_is_told_as_an_event_of_its_own():
    told = {"model": "m", "sign": "p95_s", "state": "bad", "value": 6.5}
    first, again = (json.loads(model_body(told, at)) for at in (1_763_730_000.0, 1_763_730_300.0))
    assert first == {"event": "model_alert", "id": first["id"], "at": "2025-11-21T13:00:00Z", **told}
    assert len(first["id"]) == 32
    assert first["id"] != again["id"]
