"""Who may reach what."""

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.listeners import Overrides
from proxy.config.load import load

ONE, TWO = "ab" * 32, "cd" * 32
KEYS = {"OPENAI_API_KEY": "k", "ALPHA_KEY": "a", "BETA_KEY": "b"}
CLIENT = f'[clients.app]\nkey_sha256 = ["{ONE}"]\n'


def told(env: dict[str, str], overrides: Overrides | None = None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(None, {**KEYS, **env}, overrides)
    return [str(error) for error in caught.value.errors]


def test_server_settings_are_read(load_text):
    text = """
[server]
listen = "127.0.0.1:4700"
admin = "[::1]:4701"
drain_s = 5
watch = true
engine = "httpx2"
"""
    server = load_text(text).config.server
    assert (server.listen, server.admin, server.drain_s) == ("127.0.0.1:4700", "[::1]:4701", 5.0)
    assert (server.watch, server.engine) == (True, "httpx2")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('listen = "4600"', "server.listen: must be host:port"),
        ('listen = "[127.0.0.1:80]:1"', "server.listen: must be host:port"),
        ("listen = 4600", "server.listen: must be text, not a whole number"),
        ('admin = "127.0.0.1:99999"', "server.admin: the port must be a number"),
        ("drain_s = -1", "server.drain_s: must be at least 0"),
        ('engine = "aiohttp"', 'server.engine: "aiohttp" is not known; known: native and httpx2'),
        ('cluster_hosts = "x"', "server.cluster_hosts: must be a list, not text"),
        ('cluster_hosts = ["x", "http://y:80"]', "server.cluster_hosts: entry 2 must be a host name alone"),
        ('admin = "127.0.0.1:4600"', "server.admin: is the data port's own address"),
        ('listen = "0.0.0.0:4600"', "server.listen: 0.0.0.0:4600 is reachable from other machines, so clients must"),
        ('listen = "[::]:4600"', "server.listen: [::]:4600 is reachable from other machines"),
        ('listen = "proxy.local:4600"', "server.listen: proxy.local:4600 is reachable from other machines"),
        ('admin = "0.0.0.0:4601"', "server.admin: 0.0.0.0:4601 is reachable from other machines, so it needs [admin]"),
        ('lisen = "x"', 'server.lisen: is not a known key; did you mean "listen"?'),
    ],
)
def test_every_mistake_of_the_server_has_its_path(mistakes, line, message):
    [one] = mistakes(f"[server]\n{line}")
    assert one.startswith(f"config.toml: {message}"), one


def test_clients_open_the_data_port_and_a_token_the_admin_port(load_text):
    text = f"""
[server]
listen = "0.0.0.0:4600"
admin = "0.0.0.0:4601"
[admin]
token_sha256 = ["{TWO}"]
{CLIENT}
"""
    config = load_text(text).config
    assert config.clients["app"].key_sha256 == (ONE,)
    assert config.admin.token_sha256 == (TWO,)


def test_a_client_does_not_open_the_admin_port(mistakes):
    [one] = mistakes(f'[server]\nadmin = "10.0.0.1:4601"\n{CLIENT}')
    assert one.startswith("config.toml: server.admin: 10.0.0.1:4601 is reachable")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[admin]\ntoken_sha256 = ["x"]', "admin.token_sha256: entry 1 must be the SHA-256"),
        ('[admin]\ntoken = "secret"', "admin.token: is not a known key"),
    ],
)
def test_every_mistake_of_the_admin_port_has_its_path(mistakes, text, message):
    assert mistakes(text)[0].startswith(f"config.toml: {message}")


def test_the_callers_own_key_cannot_stand_beside_clients(mistakes):
    """One authorization header cannot be both."""
    text = '[providers.own]\ndialect = "openai-chat"\nbase_url = "https://own.example"\nkeys = ["client"]\n'
    [one] = mistakes(text + CLIENT)
    assert one.startswith('config.toml: providers.own.keys: "client" cannot stand beside clients')
    [one] = mistakes(text, env={**KEYS, "SIDESTEP_CLIENT_SHA256": ONE})
    assert one.startswith('config.toml: providers.own.keys: "client" cannot stand beside clients')


def test_the_command_line_wins_over_file_and_defaults(load_text):
    options = Overrides(host="::1", port=4700, admin="127.0.0.1:4701")
    server = load_text('[server]\nlisten = "127.0.0.1:1"', overrides=options).config.server
    assert (server.listen, server.admin) == ("[::1]:4700", "127.0.0.1:4701")
    assert load(None, KEYS, Overrides(port=0)).config.server.listen == "127.0.0.1:0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Overrides(host="0.0.0.0"), "option --host: 0.0.0.0:4600 is reachable from other machines"),
        (Overrides(host="a b"), "option --host: must be an address or a host's name alone, as in 127.0.0.1"),
        (Overrides(host=""), "option --host: must be an address or a host's name alone"),
        (Overrides(host="127.0.0.1:80"), "option --host: must be an address or a host's name alone"),
        (Overrides(host="http://x"), "option --host: must be an address or a host's name alone"),
        (Overrides(host="::1", port=70000), "option --port: the port must be a number"),
        (Overrides(admin="127.0.0.1:" + "1" * 5000), "option --admin: the port must be a number"),
        (Overrides(port=70000), "option --port: the port must be a number"),
        (Overrides(port=-1), "option --port: the port must be a number"),
        (Overrides(admin="x"), "option --admin: must be host:port, as in 127.0.0.1:4601"),
        (Overrides(admin="0.0.0.0:4601"), "option --admin: 0.0.0.0:4601 is reachable from other machines"),
        (Overrides(admin="127.0.0.1:4600"), "option --admin: is the data port's own address"),
    ],
)
def test_options_are_under_the_same_rules_and_named_as_the_source(options, message):
    [one] = told({}, options)
    assert one.startswith(message), one
