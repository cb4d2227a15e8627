"""`[ledger]`: where budgets and usage are kept, and that nothing is where nobody asks."""

import pytest

from proxy.config import ledger
from proxy.config.errors import ConfigErrors, Problems
from proxy.config.hidden import Secret
from proxy.config.ledger import described, read_ledger, sqlite_file, usage_file, usage_stream
from proxy.config.load import load
from proxy.config.spending import LedgerSettings

BASE = '[providers.openai]\nvendor = "openai"\n[models."*"]\nchain = ["openai/*"]\n'
HOME = {"OPENAI_API_KEY": "k-1", "HOME": "/h/ann"}


def loaded(tmp_path, text="", **env):
    path = tmp_path / "config.toml"
    path.write_text(BASE + text)
    return load(str(path), HOME | env).config.spending.ledger


def refused(tmp_path, text="", **env):
    with pytest.raises(ConfigErrors) as caught:
        loaded(tmp_path, text, **env)
    return [str(one).removeprefix(f"{tmp_path}/config.toml: ") for one in caught.value.errors]


def test_nothing_is_kept_unless_somebody_asks(tmp_path):
    assert loaded(tmp_path) == load(None, HOME).config.spending.ledger == LedgerSettings()
    assert usage_file(LedgerSettings()) == usage_stream(LedgerSettings()) == ""


@pytest.mark.parametrize(
    ("env", "file"),
    [
        ({}, "/h/ann/.local/state/sidestep/ledger.db"),
        ({"XDG_STATE_HOME": "/var/state"}, "/var/state/sidestep/ledger.db"),
        ({"XDG_STATE_HOME": "relative"}, "/h/ann/.local/state/sidestep/ledger.db"),
        ({"XDG_STATE_HOME": "/x", "SIDESTEP_STATE_DIR": "/var/lib/sidestep"}, "/var/lib/sidestep/ledger.db"),
        ({"SIDESTEP_STATE_DIR": "state"}, "state/ledger.db"),
    ],
)
@pytest.mark.parametrize("text", ["[ledger]\n", '[ledger]\nurl = "sqlite://"\n'])
def test_without_an_address_it_is_a_file_of_the_state_folder(tmp_path, env, file, text):
    found = loaded(tmp_path, text, **env)
    assert usage_file(found) == sqlite_file(found.url) == file


def test_budgets_ask_for_a_place_too():
    problems = Problems("environment")
    found = read_ledger(None, HOME, problems, asked=True)
    assert (sqlite_file(found.url), problems.errors) == ("/h/ann/.local/state/sidestep/ledger.db", [])


def test_without_any_folder_the_place_must_be_said(tmp_path):
    [told] = refused(tmp_path, "[ledger]\n", HOME="")
    assert told.startswith("ledger.url: is missing, and no folder is known for it: set SIDESTEP_STATE_DIR, or say")


def test_a_file_says_all_of_it(tmp_path):
    text = (
        '[ledger]\nurl = "rediss://me@cache.internal:7000/3"\npassword = "env:LEDGER_WORD"\n'
        'timeout_s = 0.2\nusage = true\nkeep_days = 7\nfile = "usage.db"\n'
    )
    found = loaded(tmp_path, text, LEDGER_WORD="s3cret")
    assert found == LedgerSettings(
        "rediss://me@cache.internal:7000/3", Secret("s3cret"), 0.2, keep_days=7, file="usage.db"
    )
    assert (usage_stream(found), usage_file(found)) == (found.url, "usage.db")
    told = described(found)
    assert (told["password"], told["usage_places"]) == (True, [found.url, "usage.db"])
    assert "s3cret" not in str(told)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("sqlite:///here/ledger.db", "sqlite:///here/ledger.db"),
        ("sqlite:////there/ledger.db", "sqlite:////there/ledger.db"),
        ("redis://cache", "redis://cache:6379/0"),
        ("redis://[::1]:1/2", "redis://[::1]:1/2"),
        ("memory:", "memory:"),
    ],
)
def test_addresses_have_one_form(tmp_path, url, kept):
    assert loaded(tmp_path, f'[ledger]\nurl = "{url}"\n').url == kept


def test_records_of_usage_can_be_left_out(tmp_path):
    found = loaded(tmp_path, "[ledger]\nusage = false\n")
    assert (usage_file(found), usage_stream(found)) == ("", "")
    assert found.url
    assert usage_file(loaded(tmp_path, '[ledger]\nurl = "memory:"\n')) == ""


def test_redis_without_the_package_that_speaks_to_it_says_how_to_have_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "find_spec", lambda _: None)
    [told] = refused(tmp_path, '[ledger]\nurl = "redis://cache"\n')
    assert told.endswith("takes a package that is not installed: pip install 'sidestep[redis]'")
    assert loaded(tmp_path, '[ledger]\nurl = "memory:"\n').url == "memory:"


def test_the_environment_may_say_it_with_a_file_and_without(tmp_path):
    url = "redis://:pass%20word@cache:6379"
    [told] = refused(tmp_path, SIDESTEP_LEDGER_URL=url)
    assert told.startswith("environment variable SIDESTEP_LEDGER_URL: the password in it has spaces")
    found = loaded(tmp_path, SIDESTEP_LEDGER_URL="redis://:w0rd@cache:6379")
    assert (found.url, found.password) == ("redis://cache:6379/0", Secret("w0rd"))
    assert load(None, HOME | {"SIDESTEP_LEDGER_URL": "sqlite:///x.db"}).config.spending.ledger.url == "sqlite:///x.db"
    assert usage_file(load(None, HOME | {"SIDESTEP_LEDGER_URL": "sqlite://"}).config.spending.ledger).startswith("/h")
    said = loaded(tmp_path, '[ledger]\nurl = "sqlite:///of/the.file"\n', SIDESTEP_LEDGER_URL="memory:")
    assert said.url == "sqlite:///of/the.file"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('url = "redis://:word@cache"', 'ledger.url: has a password in it: say where that is, with password = "env:N'),
        ('url = "postgres://db/x"', "ledger.url: must be one of sqlite:///relative/file, sqlite:////absolute/file, r"),
        ('url = "sqlite://x.db"', "ledger.url: must be one of"),
        ('url = "sqlite:///folder/"', "ledger.url: must be one of"),
        ('url = "redis://cache?db=1"', "ledger.url: must be one of"),
        ('url = "redis://cache:port"', "ledger.url: must be one of"),
        ('url = "redis://cache/one"', "ledger.url: the path of a Redis address is the number of a database, as in /0"),
        ("url = 3", "ledger.url: must be text, not a whole number"),
        ('url = "redis://c"\npassword = "word"', 'ledger.password: must be "env:NAME" or "file:/path"; a password doe'),
        ('url = "redis://c"\npassword = "env:NOT_SET"', "ledger.password: environment variable NOT_SET is not set"),
        ('url = "memory:"\npassword = "env:X"', "ledger.password: is for Redis alone"),
        ('file = "x.db"', "ledger.file: is for Redis alone, beside which a file keeps records of usage"),
        ("timeout_s = 0", "ledger.timeout_s: must be at least 0.001 and at most 10, not 0"),
        ("keep_days = 0", "ledger.keep_days: must be at least 1 and at most 3660, not 0"),
        ("days = 3", "ledger.days: is not a known key"),
    ],
)
def test_mistakes_are_told(tmp_path, text, told):
    [found] = refused(tmp_path, f"[ledger]\n{text}\n")
    assert found.startswith(told)
    assert "word" not in found.replace("password", "")


def test_an_environment_without_a_file_is_checked_alike():
    with pytest.raises(ConfigErrors, match="SIDESTEP_LEDGER_URL: must be one of"):
        load(None, HOME | {"SIDESTEP_LEDGER_URL": "mysql://x"})


def test_what_calls_nobody_keeps_nothing(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(f"{BASE}[ledger]\n")
    env = HOME | {"SIDESTEP_LEDGER_URL": "sqlite://"}
    assert load(str(path), env, offline=True).config.spending.ledger == LedgerSettings()
    assert load(None, env, offline=True).config.spending.ledger == LedgerSettings()
