"""One connection to Redis: every exchange bounded, none on a connection of which the state is not known."""

import asyncio
import importlib
import ssl
import subprocess
import sys
import time

import anyio.lowlevel
import pytest

from proxy.redis import Lost, Missing, Redis, Refused

SOON_S = 2.0
SLOW_S = 0.3


async def test_replies_come_in_the_order_of_the_commands(redis_server):
    redis = Redis(redis_server.url, None, SOON_S)
    await redis.open()
    assert await redis.ask(("SET", "k", 1), ("GET", "k"), ("GET", "other")) == ["OK", "1", None]
    await redis.close()


async def test_a_refused_command_is_a_reply_like_the_others_and_the_connection_stays(redis_server):
    redis = Redis(redis_server.url, None, SOON_S)
    await redis.open()
    refused, after = await redis.ask(("EVALSHA", "0" * 40, 0), ("PING",))
    assert isinstance(refused, Refused) and refused.code == "NOSCRIPT"
    assert after == "PONG"
    assert await redis.ask(("PING",)) == ["PONG"]
    await redis.close()


async def test_a_server_that_is_slow_counts_as_gone_and_its_late_answer_is_nobodys(redis_server):
    """The answer to the exchange that was given up must not be taken for the next one's."""
    redis = Redis(redis_server.url, None, SLOW_S)
    await redis.open()
    await redis.ask(("SET", "k", "right"))
    redis_server.pause()
    with pytest.raises(Lost, match=rf"Redis at 127.0.0.1:{redis_server.port} takes longer than 300 ms"):
        await redis.ask(("ECHO", "late"))
    redis_server.resume()
    assert await redis.ask(("GET", "k")) == ["right"]
    await redis.close()


async def test_a_process_that_was_stopped_itself_calls_no_server_slow(redis_server):
    """The answer came meanwhile, and is heard before anything else is said."""

    def stopped():
        redis_server.resume()
        time.sleep(2 * SLOW_S)  # no waiting for something, but what is tested

    redis = Redis(redis_server.url, None, SLOW_S)
    await redis.open()
    redis_server.pause()
    asyncio.get_running_loop().call_later(SLOW_S / 3, stopped)
    assert await redis.ask(("PING",)) == ["PONG"]
    await redis.close()


async def test_while_one_opens_exchanges_fail_in_their_own_time_and_the_next_one_finds_it_open(redis_server):
    """A new connection may take longer than an exchange, and is not begun again for each."""
    redis_server.pause()
    redis = Redis(redis_server.url, "", 0.02, _greeted)
    for _ in range(3):
        with pytest.raises(Lost, match="longer than 20 ms"):
            await redis.ask(("PING",))
    assert redis._opening is not None
    opening = redis._opening
    redis_server.resume()
    assert await opening is None
    redis._timeout_s = SOON_S
    assert await redis.ask(("PING",)) == ["PONG"]
    await redis.close()


async def _greeted(exchange) -> None:
    await exchange(("PING",))


async def test_a_connection_that_the_server_has_closed_is_not_used(redis_server):
    redis = Redis(redis_server.url, None, SOON_S)
    await redis.open()
    await redis_server.stop()
    await redis_server.start()
    assert await redis.ask(("PING",)) == ["PONG"]
    await redis.close()


async def test_a_server_that_is_not_there_is_told_without_the_password(redis_server):
    await redis_server.stop()
    redis = Redis(f"redis://user:hush@127.0.0.1:{redis_server.port}/2", "quiet", SOON_S)
    with pytest.raises(Lost, match="cannot be reached") as caught:
        await redis.ask(("PING",))
    assert "hush" not in str(caught.value) and "quiet" not in str(caught.value)
    await redis_server.start()
    await redis.close()


async def test_user_and_password_are_given_and_a_wrong_one_is_refused(make_redis):
    server = await make_redis("--requirepass", "open sesame/")
    at = f"127.0.0.1:{server.port}"
    for url, password in ((f"redis://{at}", "open sesame/"), (f"redis://default:open%20sesame%2F@{at}/3", None)):
        redis = Redis(url, password, SOON_S)
        await redis.open()
        assert await redis.ask(("PING",)) == ["PONG"]
        await redis.close()
    wrong = Redis(f"redis://{at}", "hush", SOON_S)
    with pytest.raises(Refused) as caught:
        await wrong.open()
    assert caught.value.code == "WRONGPASS" and "hush" not in str(caught.value)
    await wrong.close()
    nobody = Redis(f"redis://{at}", None, SOON_S)
    await nobody.open()
    with pytest.raises(Refused) as caught:
        await nobody.ask(("PING",))
    assert caught.value.code == "NOAUTH"
    await nobody.close()


async def test_what_the_check_of_a_new_connection_raises_is_what_who_waits_for_it_gets(redis_server):
    class Unfit(Exception):
        pass

    looked = []

    async def look(exchange):
        looked.append(await exchange(("PING",)))
        if len(looked) == 1:
            raise Unfit

    redis = Redis(redis_server.url, None, SOON_S, look)
    with pytest.raises(Unfit):
        await redis.open()
    assert await redis.ask(("PING",)) == ["PONG"]
    assert looked == [["PONG"], ["PONG"]]
    await redis.close()


async def test_callers_take_turns_and_one_that_leaves_does_not_harm_the_next(redis_server):
    redis = Redis(redis_server.url, None, 1.0)
    await redis.open()
    asking = [asyncio.create_task(redis.ask(("ECHO", number))) for number in range(50)]
    await anyio.lowlevel.checkpoint()
    for task in asking[::7]:
        task.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, list)] == [[str(n)] for n in range(50) if n % 7]
    await redis.close()


@pytest.fixture
def certificate(tmp_path):
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    more = ("-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    subprocess.run(
        [*made, *more, "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], check=True, capture_output=True
    )
    return tmp_path / "cert", tmp_path / "key"


async def test_tls_is_by_the_systems_certificates(certificate, make_redis, monkeypatch):
    """And a server whose certificate they do not vouch for is not spoken to."""
    cert, key = map(str, certificate)
    files = ("--tls-cert-file", cert, "--tls-key-file", key)
    server = await make_redis("--tls", *files, "--tls-auth-clients", "no")
    assert server.url.startswith("rediss://")
    stranger = Redis(server.url, None, SOON_S)
    with pytest.raises(Lost, match="certificate verify failed"):
        await stranger.open()
    await stranger.close()
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, cert)
    redis = Redis(server.url, None, SOON_S)
    await redis.open()
    assert await redis.ask(("PING",)) == ["PONG"]
    await redis.close()


def test_without_the_extra_the_sentence_says_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Missing, match=r"pip install 'sidestep\[redis\]'"):
        Redis("redis://127.0.0.1", None, SOON_S)


def test_the_library_is_not_loaded_by_who_does_not_ask_for_it():
    told = "import sys, proxy.app, proxy.redis; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert importlib.util.find_spec("redis") is not None
