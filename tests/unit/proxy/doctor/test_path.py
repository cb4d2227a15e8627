"""The way to a provider: each step that can fail is told for itself, with what to do."""

import asyncio
import errno
import socket
from contextlib import asynccontextmanager, suppress

import pytest
from msgspec import structs

from proxy.config.values import TimeoutSettings
from proxy.doctor import path
from proxy.doctor.path import place_of, walk


async def walked(provider, clock, patience_s=5.0):
    return [step async for step in walk(provider, clock, patience_s)]


def unasked(_):
    raise AssertionError("the way is no request")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "shown"),
    [
        ("https://api.test/v1", "api.test", 443, True, "api.test:443"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1", 8000, False, "127.0.0.1:8000"),
        ("https://[::1]:8443/v1", "::1", 8443, True, "[::1]:8443"),
    ],
)
def test_a_url_leads_to_a_host_and_a_port(url, host, port, tls, shown):
    assert place_of(url) == (host, port, tls)
    assert str(place_of(url)) == shown


async def test_a_way_that_is_free_is_told_step_by_step_with_its_times(kit, certificates):
    async with kit.Server(unasked, certificates.server("good")) as server:
        found = await walked(kit.provider(server.base_url, ca_file=certificates.ca_file), kit.clock)
    assert [(one.check, one.verdict) for one in found] == [("dns", "ok"), ("tcp", "ok"), ("tls", "ok")]
    assert found[0].detail.startswith("localhost is ")
    assert found[1].detail == f"connected to localhost:{server.port}"
    assert found[2].detail in ("trusted, ends in 89 days", "trusted, ends in 90 days")
    assert all(one.ms is not None and one.fix == "" for one in found)


async def test_a_name_with_several_addresses_says_how_many(kit, monkeypatch):
    async def several(host, port):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", port)) for n in (1, 2, 3)]

    async def none(host, port):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr(path, "resolved", several)
    monkeypatch.setattr(path, "dial", none)
    found = await walked(kit.provider("https://api.test/v1"), kit.clock)
    assert found[0].detail == "api.test is 192.0.2.1 and 2 more"


async def test_plain_http_has_no_certificate_to_look_at(kit):
    async with kit.Server(unasked) as server:
        found = await walked(kit.provider(server.base_url), kit.clock)
    assert [(one.check, one.verdict) for one in found] == [("dns", "ok"), ("tcp", "ok"), ("tls", "skip")]
    assert found[0].detail == "127.0.0.1"
    assert found[2].detail == "base_url is plain http"


@pytest.mark.parametrize(
    ("error", "detail", "fix"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "no such host: api.tset",
            "Correct the host in base_url of [providers.alpha], or add api.tset to this machine's DNS.",
        ),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            "the look-up of api.tset failed for now",
            (
                "Look at this machine's name servers (/etc/resolv.conf, CoreDNS), or correct the host in base_url of "
                "[providers.alpha]."
            ),
        ),
        (
            UnicodeError("label too long"),
            "api.tset is no host name",
            "Correct the host in base_url of [providers.alpha].",
        ),
        (
            TimeoutError(),
            "no answer for api.tset within 5 s",
            (
                "Look at this machine's name servers (/etc/resolv.conf), or correct the host in base_url of "
                "[providers.alpha]."
            ),
        ),
    ],
)
async def test_a_name_that_is_not_found_ends_the_way(kit, monkeypatch, error, detail, fix):
    async def fails(host, port):
        raise error

    monkeypatch.setattr(path, "resolved", fails)
    [found] = await walked(kit.provider("https://api.tset/v1"), kit.clock)
    assert (found.check, found.verdict, found.detail, found.fix) == ("dns", "fail", detail, fix)


async def test_a_name_that_can_be_none_is_refused_by_the_resolver_itself(kit):
    [found] = await walked(kit.provider(f"https://{'a' * 64}.invalid/v1"), kit.clock)
    assert found.detail == f"{'a' * 64}.invalid is no host name"


async def test_a_look_up_that_never_ends_is_given_up(kit, monkeypatch):
    async def silent(host, port):
        await asyncio.Event().wait()

    monkeypatch.setattr(path, "resolved", silent)
    [found] = await walked(kit.provider("https://api.test/v1"), kit.clock, 0.05)
    assert found.detail == "no answer for api.test within 0.05 s"


async def test_a_port_where_nothing_listens_says_so(kit):
    port = kit.closed_port()
    found = await walked(kit.provider(f"http://127.0.0.1:{port}/v1"), kit.clock)
    assert [one.check for one in found] == ["dns", "tcp"]
    assert found[1].detail == f"127.0.0.1:{port} refuses connections"
    assert found[1].fix == (
        f"Start what should listen at 127.0.0.1:{port}, or correct host and port in base_url of [providers.alpha]."
    )


@pytest.mark.parametrize(
    ("error", "detail", "fix"),
    [
        (
            OSError(errno.ENETUNREACH, "Network is unreachable"),
            "no route to 127.0.0.1:81",
            "Give this machine a route to 127.0.0.1:81, or name a way out as its proxy.",
        ),
        (
            OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"),
            "no route to 127.0.0.1:81",
            "Give this machine a route to 127.0.0.1:81, or name a way out as its proxy.",
        ),
        (
            OSError(errno.EPERM, "Operation not permitted"),
            "no connection to 127.0.0.1:81",
            "Look at the network between this machine and 127.0.0.1:81.",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "this process has as many files and sockets open as it may; raise its limit (ulimit -n)",
            "Give this machine more of it and ask again.",
        ),
    ],
)
async def test_other_failures_to_connect_are_told_apart(kit, monkeypatch, error, detail, fix):
    async def fails(host, port):
        raise error

    monkeypatch.setattr(path, "dial", fails)
    found = await walked(kit.provider("http://127.0.0.1:81/v1"), kit.clock)
    assert (found[1].check, found[1].detail, found[1].fix) == ("tcp", detail, fix)


async def test_a_connection_that_nobody_answers_is_given_up_after_the_providers_own_time(kit, monkeypatch):
    async def silent(host, port):
        await asyncio.Event().wait()

    monkeypatch.setattr(path, "dial", silent)
    provider = kit.provider("http://127.0.0.1:81/v1", timeouts=TimeoutSettings(connect_s=0.05))
    found = await walked(provider, kit.clock)
    assert found[1].detail == "no connection to 127.0.0.1:81 within 0.05 s"
    assert found[1].fix == (
        "Let TCP through to 127.0.0.1:81 in firewalls and NetworkPolicies, or name a way out as its proxy."
    )


@pytest.mark.parametrize(
    ("certificate", "known", "detail", "fix"),
    [
        (
            "good",
            False,
            "not trusted: unable to get local issuer certificate",
            (
                "If this is a private server or a network that inspects TLS, put its certificate authority into a PEM "
                "file and name it as ca_file of [providers.alpha]; otherwise do not send keys there."
            ),
        ),
        (
            "expired",
            True,
            "not trusted: certificate has expired",
            (
                "Have the certificate of {base_url} renewed by whoever runs it; if this machine's clock is ahead, set "
                "that instead."
            ),
        ),
        (
            "other",
            True,
            "not trusted: hostname mismatch, certificate is not valid for 'localhost'",
            "Use a host name that the certificate has as base_url of [providers.alpha].",
        ),
    ],
)
async def test_a_certificate_that_is_not_trusted_says_why(kit, certificates, certificate, known, detail, fix):
    async with kit.Server(unasked, certificates.server(certificate)) as server:
        provider = kit.provider(server.base_url, ca_file=certificates.ca_file if known else None)
        found = await walked(provider, kit.clock)
    told = found[-1]
    assert (told.check, told.verdict, told.detail) == ("tls", "fail", detail)
    assert told.fix == fix.format(base_url=server.base_url)


async def test_one_for_another_address_says_so_too(kit, certificates):
    async with kit.Server(unasked, certificates.server("other")) as server:
        url = server.base_url.replace("localhost", "127.0.0.1")
        found = await walked(kit.provider(url, ca_file=certificates.ca_file), kit.clock)
    assert found[-1].detail == "not trusted: IP address mismatch, certificate is not valid for '127.0.0.1'"


async def test_a_certificate_that_ends_soon_is_told_and_fails_nothing(kit, certificates):
    async with kit.Server(unasked, certificates.server("soon")) as server:
        found = await walked(kit.provider(server.base_url, ca_file=certificates.ca_file), kit.clock)
    assert (found[-1].verdict, found[-1].detail) == ("warn", "trusted, ends in 2 days")
    assert found[-1].fix == f"See that whoever runs {server.base_url} renews its certificate in time."


async def test_a_plain_port_taken_for_tls_is_recognised(kit):
    async with kit.Server(unasked) as server:
        found = await walked(kit.provider(server.base_url.replace("http:", "https:")), kit.clock, 0.2)
    assert found[-1].check == "tls" and found[-1].verdict == "fail"
    place = f"127.0.0.1:{server.port}"
    assert place in found[-1].fix and found[-1].fix.endswith("correct base_url of [providers.alpha].")


async def test_an_answer_that_is_no_handshake_is_told(kit):
    async def greets(_, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greets, "127.0.0.1", 0)
    async with server:
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        found = await walked(kit.provider(f"https://{place}/v1"), kit.clock)
    assert (found[-1].check, found[-1].verdict) == ("tls", "fail")
    assert found[-1].detail == "the handshake failed: wrong version number"
    assert found[-1].fix == (
        f"See whether {place} speaks TLS (it may be a plain port), and correct base_url of [providers.alpha]."
    )


async def test_a_port_that_is_silent_to_tls_is_given_up(kit):
    async with kit.Server(lambda _: None) as server:
        found = await walked(kit.provider(server.base_url.replace("http:", "https:")), kit.clock, 0.1)
    assert found[-1].detail == "no TLS handshake within 0.1 s"


async def test_a_ca_file_that_has_gone_is_named(kit, certificates, tmp_path):
    gone = str(tmp_path / "gone.pem")
    async with kit.Server(unasked, certificates.server("good")) as server:
        found = await walked(kit.provider(server.base_url, ca_file=gone), kit.clock)
    assert found[-1].detail == f"ca_file {gone} cannot be read: No such file or directory"
    assert found[-1].fix == "Correct ca_file of [providers.alpha]."


# -- behind a proxy


@asynccontextmanager
async def relay(port, answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
    """An HTTP proxy that lets everything through to `port`, or says `answer`: its port, and the heads it heard."""
    heads, tasks, writers = [], set(), []

    async def pump(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        with suppress(asyncio.CancelledError, ConnectionError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            if answer.startswith(b"HTTP/1.1 2"):
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
                writers.append(inner_writer)
                await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], heads
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_behind_a_proxy_the_certificate_is_seen_through_its_tunnel(kit, certificates):
    async with kit.Server(unasked, certificates.server("good")) as server, relay(server.port) as (port, heads):
        provider = kit.provider(server.base_url, ca_file=certificates.ca_file, proxy=f"http://127.0.0.1:{port}")
        found = await walked(provider, kit.clock)
    assert [one.verdict for one in found] == ["ok", "ok", "ok"]
    assert found[1].detail == f"connected to the proxy at 127.0.0.1:{port}"
    assert found[2].detail.startswith("trusted, ends in ")
    assert heads[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy refuses a tunnel to api.test:443 (status 403)"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the proxy does not speak HTTP"),
        (b"", "the proxy closed the connection"),
    ],
)
async def test_a_proxy_that_lets_nothing_through_is_told(kit, answer, detail):
    async with relay(0, answer) as (port, _):
        found = await walked(kit.provider("https://api.test/v1", proxy=f"http://127.0.0.1:{port}"), kit.clock)
    assert (found[-1].check, found[-1].detail) == ("tls", detail)
    assert found[-1].fix == "Let api.test:443 through in the proxy, or correct proxy of [providers.alpha]."


async def test_a_proxy_that_is_not_there_is_blamed_and_not_the_provider(kit):
    port = kit.closed_port()
    provider = kit.provider("https://api.test/v1", proxy=f"http://127.0.0.1:{port}")
    found = await walked(provider, kit.clock)
    assert found[-1].fix.endswith("correct host and port in proxy of [providers.alpha].")
    over_tls = structs.replace(provider, proxy=f"https://127.0.0.1:{port}")
    assert (await walked(over_tls, kit.clock))[-1].check == "tcp"


async def test_a_proxy_over_tls_is_left_to_the_calls_that_follow(kit):
    async with kit.Server(unasked) as server:
        provider = kit.provider("https://api.test/v1", proxy=f"https://127.0.0.1:{server.port}")
        found = await walked(provider, kit.clock)
    assert (found[-1].check, found[-1].verdict) == ("tls", "skip")
