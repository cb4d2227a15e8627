"""Whose a request is, and who may say so."""

import pytest

from proxy.budgets.identity import ALL, HEADERS, who
from proxy.config.values import Client
from proxy.flow import Who
from translators.faults import Malformed
from translators.ir import Dialect

CHAT, CLAUDE = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
MUTE = Client("web", (), team="apps")
SPEAKS = Client("web", (), team="apps", speaks_for=ALL)
BODY = {"user": "ann", "metadata": {"task": "sum", "user_id": "claude-ann"}}


def refused(client, headers, payload=None) -> Malformed:
    with pytest.raises(Malformed) as caught:
        who(client, headers, payload, CHAT)
    return caught.value


def test_a_client_counts_as_itself_and_its_team():
    assert who(MUTE, {}, BODY, CHAT) == Who("web", "apps", "", "")


def test_a_program_of_this_machine_speaks_for_all():
    headers = {"x-sidestep-team": "research", "x-sidestep-user": "bob", "x-sidestep-task": "t"}
    assert who(None, headers, None, CHAT) == Who("", "research", "bob", "t")
    assert who(None, {}, BODY, CHAT) == Who("", "", "ann", "sum")


def test_a_client_speaks_for_whom_it_may():
    headers = {"x-sidestep-team": "research", "x-sidestep-user": "bob", "x-sidestep-task": "t"}
    assert who(SPEAKS, headers, BODY, CHAT) == Who("web", "research", "bob", "t")


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_the_client_may_not_send_is_refused_with_the_key_that_allows_it(header):
    kind = HEADERS[header]
    others = Client("web", (), speaks_for=tuple(one for one in ALL if one != kind))
    error = refused(others, {header: "x"})
    assert (error.status, error.code, error.param) == (403, "identity_refused", header)
    assert f'add "{kind}" to [clients.web] speaks_for' in str(error)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("value", ["", "x" * 129, "a\tb", "a\x7fb", "a\u2028b"])
@pytest.mark.parametrize("client", [None, SPEAKS])
def test_a_header_that_is_no_name_is_refused(header, value, client):
    error = refused(client, {header: value})
    assert (error.status, error.param) == (400, header)
    assert header in str(error) and (not value or value not in str(error))


def test_a_name_may_have_128_characters_of_any_script():
    assert who(None, {"x-sidestep-user": "ж" * 128}, None, CHAT).user == "ж" * 128


@pytest.mark.parametrize(
    ("payload", "dialect", "user"),
    [
        ({"safety_identifier": "safe", "user": "ann"}, CHAT, "safe"),
        ({"safety_identifier": "", "user": "ann"}, CHAT, "ann"),
        ({"user": "ann"}, Dialect.OPENAI_RESPONSES, "ann"),
        ({"user": "ann", "metadata": {"user_id": "no"}}, Dialect.OPENAI_COMPLETIONS, "ann"),
        (BODY, CLAUDE, "claude-ann"),
        ({"user": 7, "metadata": "x"}, CHAT, ""),
        ({"user": None}, CHAT, ""),
        ([], CHAT, ""),
    ],
)
def test_the_body_names_the_user_as_its_dialect_does(payload, dialect, user):
    assert who(SPEAKS, {}, payload, dialect).user == user


def test_a_header_goes_before_the_body():
    assert who(SPEAKS, {"x-sidestep-user": "bob", "x-sidestep-task": "t"}, BODY, CHAT) == Who("web", "apps", "bob", "t")


def test_a_field_that_the_client_may_not_speak_by_is_the_providers_alone():
    assert who(MUTE, {}, {"user": "x" * 1000}, CHAT).user == ""


@pytest.mark.parametrize("value", ["x" * 129, "a\nb", "\ud800"])
def test_a_field_that_is_no_name_counts_by_its_digest(value):
    """Clients that put more there than a name, as Claude Code does, are served all the same."""
    user = who(None, {}, {"metadata": {"user_id": value}}, CLAUDE).user
    assert user.startswith("sha256:") and len(user) == 39
    assert user == who(None, {}, {"metadata": {"user_id": value}}, CLAUDE).user
    assert user != who(None, {}, {"metadata": {"user_id": value + "x"}}, CLAUDE).user


@pytest.mark.parametrize(
    ("body", "task"),
    [
        ({"model": "auto/letters"}, "letters"),
        ({"model": "auto/letters", "metadata": {"task": "sum"}}, "sum"),
        ({"model": "auto"}, ""),
        ({"model": "gpt-4o/x"}, ""),
        ({"model": ["auto/x"]}, ""),
    ],
)
def test_a_task_may_stand_in_the_name_of_a_model_that_is_left_open(body, task):
    assert who(None, {}, body, CHAT).task == task
    assert who(MUTE, {}, body, CHAT).task == ""
