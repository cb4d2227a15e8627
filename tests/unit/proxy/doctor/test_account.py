"""Keys, models and clocks: what a provider says of them without cost, and what is to be done where it says no."""

import msgspec
import pytest

from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Step
from proxy.doctor.account import Account
from proxy.doctor.caller import Caller
from proxy.doctor.expected import expected
from proxy.upstream.engines import engine_for
from translators.ir import Dialect

MARK = '[models."m"]'


@pytest.fixture
def found(kit):
    """`await found(answer, model=..., keys=...)`: what is found of a provider that answers so, and what it heard."""

    async def examined(answer, *, config=None, patience_s=5.0, **provider):
        model = provider.pop("model", "large")
        async with kit.Server(answer) as server:
            alpha = kit.provider(server.base_url, **provider)
            configured = config(alpha) if config else kit.config(alpha, model=model)
            engine = engine_for("native", alpha, connections=9)
            try:
                caller = Caller(alpha, engine, kit.clock, patience_s)
                told = [one for one in expected(configured) if one.provider == alpha.name]
                return await Account(caller, alpha.keys, told).examine(), server.asked
            finally:
                await engine.close()

    return examined


def private(kit, listed, other=None):
    """A provider that lists models to who has the key."""

    def answer(asked):
        if asked.key != kit.canary:
            return kit.error(401, "Incorrect API key provided", "invalid_api_key")
        if asked.path.startswith("/v1/models/"):
            return other or kit.error(404, "No such model", "model_not_found")
        return listed

    return answer


async def test_a_key_that_gets_the_list_is_accepted_and_nothing_else_is_asked(kit, found):
    told, asked = await found(private(kit, kit.models("large", "small", date=kit.date())))
    assert [(one.check, one.verdict, one.detail) for one in told] == [
        ("key", "ok", "env:ALPHA_KEY is accepted"),
        ("models", "ok", "has large"),
        ("clock", "ok", "agrees with ours"),
    ]
    assert {one.method for one in asked} == {"GET"} and len(asked) == 2


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("env:ALPHA_KEY", "Put a valid key for {url} into ALPHA_KEY, and start Sidestep again."),
        ("file:/run/alpha", "Write a valid key for {url} into /run/alpha; Sidestep reads it again by itself."),
        ("google:", "Give the identity behind google: the right to use {url}."),
    ],
)
async def test_a_key_that_is_refused_says_where_a_good_one_belongs(kit, found, source, fix):
    told, asked = await found(
        lambda _: kit.error(401, f"Incorrect API key provided: {kit.canary}", "invalid_api_key"),
        keys=(kit.key(source=source),),
    )
    key = kit.only(told, "key")
    assert key.verdict == "fail"
    assert key.detail == f"{source}: it does not accept the configured key for this (401)"
    assert key.fix == fix.format(url=f"http://{asked[0].headers['host']}/v1")
    assert kit.canary not in repr(told)
    assert kit.only(told, "models").detail == "it lists none (status 401); --chat asks each target"


async def test_a_key_that_may_not_list_but_may_chat_is_accepted(kit, found):
    def answer(asked):
        if asked.method == "GET":
            return kit.error(403, "You have insufficient permissions. Missing scopes: api.model.read")
        return kit.error(400, "'messages' is too short")

    told, asked = await found(answer)
    assert kit.only(told, "key").detail == "env:ALPHA_KEY is accepted"
    [post] = [one for one in asked if one.method == "POST"]
    assert post.path == "/v1/chat/completions"
    assert msgspec.json.decode(post.body) == {"model": "large", "messages": [], "max_tokens": 1}


async def test_a_key_that_is_barred_is_told_apart_from_a_wrong_one(kit, found):
    told, _ = await found(lambda _: kit.error(403, "Not for you"))
    key = kit.only(told, "key")
    assert (key.verdict, key.detail) == ("fail", "env:ALPHA_KEY: it does not accept the configured key for this (403)")
    assert key.fix == (
        "Allow the key of env:ALPHA_KEY to use this API in the provider's console, and look whether it bars this "
        "address or country."
    )


async def test_a_list_that_anyone_gets_proves_no_key(kit, found):
    def answer(asked):
        if asked.method == "GET":
            return kit.models("large")
        return kit.error(401, "No auth credentials found", "invalid_api_key")

    told, _ = await found(answer)
    assert kit.only(told, "key").verdict == "fail"
    assert kit.only(told, "models").verdict == "ok"


@pytest.mark.parametrize(
    ("status", "message", "code", "verdict", "detail", "fix"),
    [
        (
            429,
            "You exceeded your current quota",
            "insufficient_quota",
            "fail",
            "its quota for this key is used up (429)",
            "Add credit or raise the spend limit in the provider's console; until then the next target serves.",
        ),
        (
            429,
            "Slow down",
            "rate_limit_exceeded",
            "warn",
            "it limits the rate of requests (429)",
            "Wait and ask again; if it stays so, raise the account's limits or add a second key.",
        ),
        (
            404,
            "Not found",
            None,
            "fail",
            "it does not serve this model at this address (404)",
            "Correct the model's name in the chain, or base_url of [providers.alpha] (with most it ends in /v1).",
        ),
        (
            503,
            "Down",
            None,
            "fail",
            "it failed on its side (503)",
            "See the provider's status page; until it is well again the next target of the chain serves.",
        ),
    ],
)
async def test_other_answers_to_a_request_for_nothing_say_what_to_do(
    kit, found, status, message, code, verdict, detail, fix
):
    told, _ = await found(lambda _: kit.error(status, message, code))
    key = kit.only(told, "key")
    assert (key.verdict, key.detail, key.fix) == (verdict, f"env:ALPHA_KEY: {detail}", fix)


async def test_a_model_that_is_missing_from_a_public_list_leaves_the_key_unproved(kit, found):
    def answer(asked):
        if asked.path == "/v1/models":
            return kit.models("other")
        return kit.error(404, "The model does not exist", "model_not_found")

    told, _ = await found(answer)
    assert kit.only(told, "key").verdict == "warn"
    assert kit.only(told, "models").verdict == "fail"


async def test_each_key_is_asked_for_itself(kit, found):
    told, _ = await found(
        private(kit, kit.models("large")),
        keys=(kit.key(), kit.key("sk-another", "env:SECOND_KEY")),
    )
    assert [(one.verdict, one.detail.partition(" ")[0]) for one in told if one.check == "key"] == [
        ("ok", "env:ALPHA_KEY"),
        ("fail", "env:SECOND_KEY:"),
    ]
    assert kit.only(told, "models").verdict == "ok"


async def test_a_server_without_keys_is_well_where_it_wants_none(kit, found):
    told, _ = await found(lambda _: kit.models("large"), keys=())
    key = kit.only(told, "key")
    assert (key.verdict, key.detail) == ("ok", "none is configured, and its list of models asks for none")


async def test_a_server_that_wants_a_key_where_none_is_configured_says_so(kit, found):
    told, _ = await found(lambda _: kit.error(401), keys=())
    key = kit.only(told, "key")
    assert (key.verdict, key.detail) == ("fail", "it wants a key (401)")
    assert key.fix == "alpha wants a key: say where it is with keys = [...] in [providers.alpha]."


async def test_callers_own_keys_are_not_here_to_be_tried(kit, found):
    told, _ = await found(lambda _: kit.error(401), keys=(), client_key=True)
    assert kit.only(told, "key").verdict == "skip"


@pytest.mark.parametrize("keys", [True, False])
async def test_a_web_page_is_no_api(kit, found, keys):
    page = kit.reply(200, b"<html>Welcome</html>", "text/html; charset=utf-8")
    told, _ = await found(lambda _: page, **({} if keys else {"keys": ()}))
    key = kit.only(told, "key")
    source = "env:ALPHA_KEY: " if keys else ""
    assert key.verdict == "fail"
    assert key.detail == f"{source}it answered with a web page (status 200), where an API answers with JSON"
    assert key.fix == (
        "Point base_url of [providers.alpha] at the API itself, and see what stands between (a login page, a "
        "gateway, a redirect)."
    )
    assert [one.check for one in told] == ["key", "clock"]


async def test_a_page_that_bars_the_way_is_no_refusal_of_the_key(kit, found):
    told, _ = await found(lambda _: kit.reply(403, b"<html>Blocked</html>", "text/html"))
    assert "a web page (status 403)" in kit.only(told, "key").detail


async def test_a_redirect_is_not_followed_and_said(kit, found):
    moved = kit.reply(301, b"", location="https://elsewhere.test/v1/models")
    told, asked = await found(lambda _: moved)
    assert kit.only(told, "key").detail == ("env:ALPHA_KEY: it answered with a redirect (301), which is never followed")
    assert all(one.method == "GET" for one in asked)


async def test_silence_is_given_up_in_time(kit, found):
    told, _ = await found(lambda _: None, patience_s=0.1)
    key = kit.only(told, "key")
    assert (key.verdict, key.detail) == ("fail", "env:ALPHA_KEY: it said nothing within 0.1 s")
    assert key.fix == (
        "See the provider's status page; if a proxy or firewall stands between, let it pass what it holds back."
    )
    assert [one.check for one in told] == ["key"]


async def test_a_list_that_is_none_is_asked_no_further(kit, found):
    def answer(asked):
        return kit.reply(200, {"data": "odd"}) if asked.method == "GET" else kit.error(400)

    told, _ = await found(answer)
    assert kit.only(told, "key").verdict == "ok"
    assert kit.only(told, "models").detail == "it lists none (status 200); --chat asks each target"


# -- models


async def test_a_model_that_is_not_there_names_the_chain_and_the_likely_one(kit, found):
    told, _ = await found(private(kit, kit.models("gpt-large", "gpt-small")), model="gpt-larg")
    models = kit.only(told, "models")
    assert (models.verdict, models.detail) == ("fail", "has no gpt-larg (2 models are listed)")
    assert models.fix == (
        f'Correct alpha/gpt-larg in the chain of {MARK} (to "gpt-large"?), '
        "or have the model enabled for this key's account."
    )


async def test_a_model_that_resembles_nothing_is_told_without_a_guess(kit, found):
    told, _ = await found(private(kit, kit.models("other")), model="zzz")
    assert kit.only(told, "models").fix == (
        f"Correct alpha/zzz in the chain of {MARK}, or have the model enabled for this key's account."
    )


async def test_a_model_by_another_name_is_found_by_asking_for_it(kit, found):
    answer = private(kit, kit.models("claude-x-20260101"), kit.reply(200, {"id": "claude-x-20260101"}))
    told, asked = await found(answer, model="org/claude@x")
    assert kit.only(told, "models").detail == "has org/claude@x, by another name than it lists"
    assert any(one.path == "/v1/models/org%2Fclaude@x" for one in asked)


async def test_a_model_that_cannot_be_asked_for_is_not_called_missing(kit, found):
    def answer(asked):
        if asked.key != kit.canary:
            return kit.error(401)
        return kit.models("other") if asked.path == "/v1/models" else None

    told, _ = await found(answer, patience_s=0.2)
    models = kit.only(told, "models")
    assert models.verdict == "warn"
    assert models.detail == "large is not listed, and could not be asked for: it said nothing within 0.2 s"


async def test_a_vendor_that_lists_what_could_be_deployed_is_not_believed(kit, found):
    told, _ = await found(private(kit, kit.models("gpt-5")), vendor="azure-openai")
    models = kit.only(told, "models")
    assert (models.verdict, models.detail) == (
        "skip",
        "it lists what could be deployed, not what is; --chat asks each target",
    )


async def test_a_provider_of_no_chain_has_no_models_to_look_for(kit, found):
    def config(alpha):
        other = kit.provider("https://b.test", "beta")
        return Config({"alpha": alpha, "beta": other}, {"m": ModelRoute("m", (Step("beta", "x"),))})

    told, _ = await found(lambda _: kit.models("large"), config=config)
    assert kit.only(told, "key").detail == "env:ALPHA_KEY cannot be tried: no chain has a model of alpha"
    assert kit.only(told, "models").detail == "no chain has a model of it"


async def test_a_provider_of_vectors_alone_is_asked_for_none(kit, found):
    def config(alpha):
        return Config({"alpha": alpha}, {}, {"e": EmbeddingRoute("e", (Step("alpha", "vec"),))})

    told, asked = await found(lambda one: kit.models("vec") if one.method == "GET" else kit.error(400), config=config)
    [post] = [one for one in asked if one.method == "POST"]
    assert (post.path, msgspec.json.decode(post.body)) == ("/v1/embeddings", {"model": "vec", "input": []})
    assert kit.only(told, "key").verdict == "ok"


@pytest.mark.parametrize(
    ("dialect", "path", "body"),
    [
        (Dialect.ANTHROPIC_MESSAGES, "/v1/messages", {"model": "large", "messages": [], "max_tokens": 1}),
        (Dialect.OPENAI_RESPONSES, "/v1/responses", {"model": "large", "input": [], "max_output_tokens": 1}),
        (Dialect.GEMINI, "/v1/models/large:generateContent", {"model": "large", "contents": []}),
    ],
)
async def test_every_dialect_is_asked_for_nothing_in_its_own_words(kit, found, dialect, path, body):
    def answer(asked):
        return kit.error(404) if asked.method == "GET" else kit.error(400)

    told, asked = await found(answer, dialect=dialect)
    [post] = [one for one in asked if one.method == "POST"]
    assert (post.path, msgspec.json.decode(post.body)) == (path, body)
    assert kit.only(told, "key").verdict == "ok"


async def test_a_key_that_is_answered_even_so_is_accepted(kit, found):
    told, _ = await found(lambda one: kit.models("large") if one.method == "GET" else kit.reply(200, {}))
    assert kit.only(told, "key").verdict == "ok"


async def test_a_provider_that_falls_silent_when_asked_for_nothing_is_told(kit, found):
    told, _ = await found(lambda one: kit.models("large") if one.method == "GET" else None, patience_s=0.2)
    assert kit.only(told, "key").detail == "env:ALPHA_KEY: it said nothing within 0.2 s"


# -- time


@pytest.mark.parametrize(
    ("off_s", "verdict", "detail"),
    [
        (0, "ok", "agrees with ours"),
        (-3, "ok", "agrees with ours"),
        (-60, "warn", "this machine is 60 s ahead of it"),
        (60, "warn", "this machine is 60 s behind it"),
        (3600, "fail", "this machine is 3600 s behind it"),
    ],
)
async def test_a_clock_that_is_off_says_in_which_direction(kit, found, off_s, verdict, detail):
    told, _ = await found(private(kit, kit.models("large", date=kit.date(off_s))))
    clock = kit.only(told, "clock")
    number = detail.split(" ")[3] if verdict != "ok" else ""
    near = {detail.replace(number, str(int(number) + by)) for by in (-1, 0, 1)} if number else {detail}
    assert clock.verdict == verdict and clock.detail in near
    wanted = (
        "Set this machine's clock (chronyc tracking, timedatectl); if other providers agree with it, this one is wrong."
    )
    assert clock.fix == ("" if verdict == "ok" else wanted)


@pytest.mark.parametrize("date", ["yesterday", "Mon, 99 Foo 2026 99:99:99 GMT", ""])
async def test_a_date_that_is_none_says_nothing_of_the_clock(kit, found, date):
    told, _ = await found(private(kit, kit.models("large", date=date)))
    assert (kit.only(told, "clock").verdict, kit.only(told, "clock").detail) == ("skip", "its answers bear no date")


@pytest.mark.parametrize(
    ("vendor", "path"), [("gemini", "vec:batchEmbedContents"), ("gemini-vertex", "vec:embedContent")]
)
async def test_a_gemini_of_vectors_alone_is_asked_in_its_own_way(kit, found, vendor, path):
    def config(alpha):
        return Config({"alpha": alpha}, {}, {"e": EmbeddingRoute("e", (Step("alpha", "vec"),))})

    def answer(asked):
        if asked.method == "GET":
            return kit.error(403)
        return kit.error(400) if asked.path == f"/v1/models/{path}" else kit.error(404)

    told, _ = await found(answer, config=config, dialect=Dialect.GEMINI, vendor=vendor)
    assert kit.only(told, "key").verdict == "ok"
