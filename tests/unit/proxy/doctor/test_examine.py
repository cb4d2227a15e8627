"""The whole examination: every provider at once, in order, bounded, and without a secret."""

import asyncio

import orjson
import pytest
from msgspec import structs

from proxy.config.hidden import Secret
from proxy.config.values import EntraToken, GoogleToken, ManagedIdentity, ProviderKey, ServerSettings, TimeoutSettings
from proxy.doctor.examine import examine, talks
from proxy.doctor.findings import CHECK_NAMES
from proxy.drill.provider import ScriptedProvider
from translators.ir import Dialect


def verdicts(found, subject):
    return {one.check: one.verdict for one in found if one.subject == subject}


@pytest.mark.parametrize("engine", ["native", "httpx2"])
async def test_providers_that_are_well_pass_every_check(kit, monkeypatch, engine):
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    async with ScriptedProvider("a", Dialect.OPENAI_CHAT) as a, ScriptedProvider("b", Dialect.ANTHROPIC_MESSAGES) as b:
        config = kit.config(
            kit.provider(a.base_url),
            kit.provider(b.base_url, "beta", dialect=b.dialect),
            model="demo-large",
            server=ServerSettings(engine=engine),
        )
        found = await examine(config, [], kit.clock, chat=True)
    assert [one for one in found if one.verdict not in ("ok", "skip")] == []
    assert list(dict.fromkeys(one.subject for one in found)) == [
        *("alpha", "alpha/demo-large", "beta", "beta/demo-large", "this machine")
    ]
    assert verdicts(found, "alpha")["key"] == verdicts(found, "alpha/demo-large")["stream"] == "ok"


async def test_without_being_asked_to_no_model_is_asked_anything(kit):
    async with kit.Server(lambda one: kit.models("large") if one.key else kit.error(401)) as server:
        await examine(kit.config(kit.provider(server.base_url)), [], kit.clock)
    assert {one.method for one in server.asked} == {"GET"}


async def test_a_failure_on_the_way_leaves_the_rest_untried_and_says_so(kit):
    url = f"http://127.0.0.1:{kit.closed_port()}/v1"
    found = await examine(kit.config(kit.provider(url)), [], kit.clock, chat=True)
    assert verdicts(found, "alpha") == {
        "dns": "ok",
        "tcp": "fail",
        "tls": "skip",
        "key": "skip",
        "models": "skip",
        "clock": "skip",
    }
    assert kit.only(found, "models").detail == "not tried, since tcp failed"
    assert not any(one.subject == "alpha/large" for one in found)


async def test_providers_are_examined_at_the_same_time(kit):
    """Three that never answer take as long as one."""
    async with kit.Server(lambda _: None) as server:
        providers = [kit.provider(server.base_url, name) for name in ("a", "b", "c")]
        began = kit.clock.now()
        async with asyncio.timeout(5):
            found = await examine(kit.config(*providers), [], kit.clock, patience_s=0.5)
    assert kit.clock.now() - began < 1.4
    assert [one.verdict for one in found if one.check == "key"] == ["fail"] * 3


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_nothing_that_is_found_shows_a_key(kit, status):
    """Not even where the provider repeats it."""

    def gossip(asked):
        return kit.error(status, f"What is {asked.key} supposed to be?", asked.key)

    async with kit.Server(gossip) as server:
        found = await examine(kit.config(kit.provider(server.base_url)), [], kit.clock, chat=True)
    assert kit.canary not in orjson.dumps([structs.asdict(one) for one in found]).decode()
    if status == 400:
        assert "refused 400: What is *** supposed to be?" in [one.detail for one in found]


@pytest.mark.parametrize(
    ("source", "renewal"),
    [
        ("entra:", EntraToken("s", "tenant", "c", Secret("x"), "")),
        ("entra-managed:", ManagedIdentity("r", "c", "http://localhost/tenant", Secret("x"))),
    ],
)
async def test_a_token_is_fetched_and_then_used_as_the_key(kit, source, renewal):
    def answer(asked):
        if asked.path.startswith("/tenant"):
            return kit.reply(200, {"access_token": "tok-1", "expires_in": 3600})
        return kit.models("large") if asked.key == "tok-1" else kit.error(401)

    async with kit.Server(answer) as server:
        key = ProviderKey(source, None, renewal)
        base = server.base_url.removesuffix("/v1")
        alpha = kit.provider(server.base_url, keys=(key,), token_url=base, profile={"key_header": "authorization"})
        found = await examine(kit.config(alpha), [], kit.clock)
    assert kit.only(found, "token").detail == f"{source} gave one for 60 min"
    assert kit.only(found, "key").detail == f"{source} is accepted"


async def test_a_token_that_is_not_had_ends_the_examination_of_its_provider(kit):
    async with kit.Server(lambda _: kit.error(400)) as server:
        base = server.base_url.removesuffix("/v1")
        alpha = kit.provider(server.base_url, keys=(ProviderKey("google:", None, GoogleToken()),), token_url=base)
        found = await examine(kit.config(alpha), [], kit.clock)
    token = kit.only(found, "token")
    assert (token.verdict, token.detail) == ("fail", f"google:: {base} gave none: status 400")
    assert verdicts(found, "alpha")["key"] == "skip"
    assert kit.only(found, "key").detail == "not tried, since token failed"


async def test_callers_own_keys_leave_targets_unasked(kit):
    async with kit.Server(lambda _: kit.error(401)) as server:
        config = kit.config(kit.provider(server.base_url, keys=(), client_key=True))
        found = await examine(config, [], kit.clock, chat=True)
    assert verdicts(found, "alpha/large") == {"chat": "skip"}
    assert talks(config) == []


async def test_the_machines_vocabularies_are_looked_for(kit, monkeypatch, tmp_path):
    config = kit.config(kit.provider(f"http://127.0.0.1:{kit.closed_port()}/v1"))
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert kit.only(await examine(config, [], kit.clock), "tokenizer").verdict == "skip"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    found = kit.only(await examine(config, [], kit.clock), "tokenizer")
    assert found.detail == f"{tmp_path} lacks o200k_base, cl100k_base, or has it damaged"
    assert found.fix == (
        f"Put the whole vocabularies into {tmp_path} under tiktoken's names, as the Dockerfile does, or unset "
        "TIKTOKEN_CACHE_DIR."
    )
    monkeypatch.setattr("proxy.doctor.examine.tokens.missing_vocabularies", lambda: ("/opt/tiktoken", []))
    found = kit.only(await examine(config, [], kit.clock), "tokenizer")
    assert (found.verdict, found.detail) == ("ok", "every vocabulary is in /opt/tiktoken")


async def test_what_the_configuration_warns_of_is_repeated(kit):
    config = kit.config(kit.provider(f"http://127.0.0.1:{kit.closed_port()}/v1"))
    found = await examine(config, ["server.watch: has no effect"], kit.clock)
    assert (found[-1].subject, found[-1].verdict, found[-1].detail) == (
        *("configuration", "warn", "server.watch: has no effect"),
    )


async def test_the_checks_stand_in_the_order_of_a_requests_way(kit, certificates):
    async with kit.Server(lambda _: kit.models("large"), certificates.server("expired")) as server:
        times = TimeoutSettings(connect_s=2)
        alpha = kit.provider(server.base_url, ca_file=certificates.ca_file, timeouts=times)
        found = [one for one in await examine(kit.config(alpha), [], kit.clock) if one.subject == "alpha"]
    places = [CHECK_NAMES.index(one.check) for one in found]
    assert places == sorted(places)
    assert [one.check for one in found if one.verdict == "fail"] == ["tls"]


async def test_a_private_authority_is_trusted_for_the_calls_too(kit, certificates):
    def answer(asked):
        return kit.models("large", date=kit.date()) if asked.key else kit.error(401)

    async with kit.Server(answer, certificates.server("good")) as server:
        config = kit.config(kit.provider(server.base_url, ca_file=certificates.ca_file))
        found = await examine(config, [], kit.clock)
    assert set(verdicts(found, "alpha").values()) == {"ok"}


async def test_calls_go_through_the_providers_own_proxy(kit):
    """What is reached by name and connection is the proxy; what answers is the provider behind it."""

    def relayed(asked):
        assert asked.path.startswith("http://127.0.0.1:1/v1/")
        return kit.models("large") if asked.key else kit.error(401)

    async with kit.Server(relayed) as server:
        alpha = kit.provider("http://127.0.0.1:1/v1", proxy=f"http://127.0.0.1:{server.port}")
        found = await examine(kit.config(alpha), [], kit.clock)
    assert kit.only(found, "tcp").detail == f"connected to the proxy at 127.0.0.1:{server.port}"
    assert (kit.only(found, "key").verdict, kit.only(found, "models").verdict) == ("ok", "ok")


async def test_an_authority_that_cannot_be_read_is_told_where_no_handshake_was_made(kit, tmp_path):
    async with kit.Server(lambda _: kit.models("large")) as server:
        alpha = kit.provider(server.base_url, ca_file=str(tmp_path / "gone.pem"))
        config = kit.config(alpha, server=ServerSettings(engine="httpx2"))
        found = await examine(config, [], kit.clock)
    assert found[3].detail == f"ca_file {tmp_path}/gone.pem cannot be read: No such file or directory"
    assert (found[3].check, found[3].fix) == ("tls", "Correct ca_file of [providers.alpha].")
    assert kit.only(found, "key").detail == "not tried, since tls failed"
