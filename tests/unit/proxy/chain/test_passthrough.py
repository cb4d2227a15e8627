"""What passes through: one provider, one try, and who is blamed for what."""

import asyncio

import orjson
import pytest

from proxy.chain.passthrough import Passthrough
from proxy.chain.ready import Tools
from proxy.config.values import BreakerSettings, TimeoutSettings
from proxy.filters.deadline import Deadline
from proxy.filters.observe import Observe
from proxy.flow import Exchange, Gone, Refused, stack
from proxy.resilience.breaker import State
from proxy.telemetry.metrics import Metrics
from translators.catalog import codec
from translators.faults import Kind
from translators.ir import Dialect, Usage


class Answer:
    """The client's side, and the exchange: an Output that keeps what it was told, in order."""

    exchange: Exchange

    def __init__(self, clock, write_s: float) -> None:
        self._clock = clock
        self._write_s = write_s
        self.started = False
        self.told: list[str] = []
        self.status = 0
        self.length: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""

    async def answer(self, status, headers, body) -> None:
        await self.start(status, headers, len(body))
        self.told[-1] = "answer"
        self.body = body

    async def start(self, status, headers, length=None) -> None:
        assert not self.told, "an answer begins once"
        self.started = True
        self.told.append("start")
        self.status, self.headers, self.length = status, dict(headers), length
        assert len(self.headers) == len(headers), "no header is sent twice"

    async def write(self, data) -> None:
        await self._clock.sleep(self._write_s)
        self.told.append("write")
        self.body += data

    async def finish(self) -> None:
        self.told.append("finish")

    def abort(self) -> None:
        self.told.append("abort")

    @property
    def json(self):
        return orjson.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    @property
    def kinds(self) -> list[str]:
        """How each attempt ended."""
        return [attempt.kind for attempt in self.exchange.attempts]


class Bench:
    """Asks one provider of the laboratory by way of passthrough."""

    def __init__(self, lab) -> None:
        self.lab = lab
        self.metrics = Metrics()
        self.closed = False
        self.fee: int | None = None
        self.maker: str | None = None
        """Who is known to have made what is asked for."""

    def provider(self, *behaviours, **more):
        engine = self.lab.provider("alpha", **more)
        engine.script.extend(behaviours)
        engine.script.popleft()
        tools = Tools(
            registry=self.lab.registry,
            engine=lambda provider: self.lab.engines[provider.name],
            clock=self.lab.clock,
            count=lambda *labels: self.lab.counted.append(labels),
            alert=lambda name, /, **facts: self.lab.alerts.append((name, facts)),
        )
        filters = [Observe(self.metrics, self.lab.log, self.lab.clock), Deadline(self.lab.timeouts, self.lab.clock)]

        async def run(exchange):
            await Passthrough(tools, "alpha", self.lab.providers, self.fee).run(exchange, self.maker)

        self._service = stack(filters, run)
        return engine

    def ask(self, *body: bytes | float, **more):
        return self.lab.run(self.send(*body, **more))

    async def send(self, *body: bytes | float, method="POST", path="/v1/files", query="", headers=None):
        out = Answer(self.lab.clock, self.lab.write_s)

        async def pieces():
            try:
                for piece in body:
                    if isinstance(piece, bytes):
                        yield piece
                    else:
                        await self.lab.clock.sleep(piece)
            finally:
                self.closed = True

        framing = {"content-length": str(sum(map(len, filter(lambda one: isinstance(one, bytes), body))))}
        out.exchange = Exchange(
            id="req_1", route="passthrough", method=method, path=path, headers=framing | (headers or {}),
            read=None, peer="", out=out, codec=codec(Dialect.OPENAI_CHAT), started=self.lab.clock.now(),
            pieces=pieces, query=query,
        )  # fmt: skip
        self.lab.current = out.exchange, asyncio.current_task()
        await self._service(out.exchange)
        return out

    @property
    def target(self):
        return next(state for state in self.lab.registry.targets() if state.name == "alpha/passthrough")


@pytest.fixture
def bench(lab):
    return Bench(lab)


def test_path_query_and_method_go_on_below_the_providers_base(bench):
    engine = bench.provider([b"sound"])
    answer = bench.ask(method="GET", path="/v1/files/f/content", query="a=b&c=%20")
    call = engine.calls[0]
    assert (call.method, call.url) == ("GET", "https://alpha.test/files/f/content?a=b&c=%20")
    assert (call.body, call.length) == (b"", 0)
    assert (answer.status, answer.body) == (200, b"sound")
    assert answer.headers["x-sidestep-attempts"] == "alpha/passthrough;ok;200;0"
    assert "x-sidestep-model" not in answer.headers


def test_the_body_is_given_to_the_engine_as_it_comes(bench):
    engine = bench.provider([b"{}"])
    taken = taking(engine)
    bench.ask(b"one", b"two")
    assert (engine.calls[0].length, taken) == (6, [b"one"])
    assert bench.closed, "what the upstream did not take is not left open"


def test_the_same_body_is_there_for_the_second_connection(bench):
    engine = bench.provider("refuse", [b"{}"])
    taken = taking(engine, beginning=2)
    assert bench.ask(b"one").kinds == ["connect", "ok"]
    assert taken == [b"one"]


def taking(engine, beginning: int = 1) -> list[bytes]:
    """What the engine takes of bodies from its so many-th call on: the first piece of each."""
    taken: list[bytes] = []
    send = engine.send

    async def taking_send(call):
        if len(engine.calls) + 1 >= beginning:
            taken.append(await anext(call.body))
        return await send(call)

    engine.send = taking_send
    return taken


def test_a_body_in_chunks_has_no_length(bench):
    engine = bench.provider([b"{}"])
    bench.ask(b"one", headers={"transfer-encoding": "chunked"})
    assert engine.calls[0].length is None


@pytest.mark.parametrize("status", [400, 404, 408, 409, 413, 415, 422])
def test_what_the_provider_says_of_the_request_passes_as_it_came_but_for_our_key(bench, status):
    said = {"message": "sk- is no billing quota", "code": "insufficient_quota", "of": "sk-alpha-0"}
    bench.provider((status, {"content-type": "application/json"}, {"error": said}))
    answer = bench.ask()
    assert (answer.status, answer.json) == (status, {"error": said | {"of": "***"}})
    assert answer.kinds == ["refused"]
    assert bench.lab.alerts == []
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 0


@pytest.mark.parametrize("message", ["Incorrect API key provided: sk-1234", "invalid_api_key"])
def test_a_key_that_is_refused_is_turned_off_and_not_told_as_the_clients(bench, message):
    bench.provider((401, {}, {"error": {"message": message, "code": "invalid_api_key"}}))
    answer = bench.ask()
    assert (answer.status, answer.error["code"]) == (503, "upstream_auth_error")
    assert b"sk-1234" not in answer.body
    assert [event for event, _ in bench.lab.alerts] == ["key_refused"]
    told = [bench.ask().headers.get("retry-after") for _ in range(3)]
    assert (told, len(bench.lab.called)) == ([None, "10", "10"], 2), "one call in ten seconds finds out"


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "You may not do that"), (401, "You have insufficient permissions. Missing scopes: api.files.write")],
)
def test_a_key_that_may_not_do_this_may_do_other_things(bench, status, message):
    """A client could otherwise take the key from everybody by asking for what it is not for."""
    bench.provider((status, {}, {"error": {"message": message}}))
    answer = bench.ask()
    assert (answer.status, answer.error["code"]) == (503, "upstream_auth_error")
    assert bench.lab.alerts == []
    assert (bench.ask().status, len(bench.lab.called)) == (503, 2)


def test_a_caller_with_its_own_key_is_told_as_its_provider_told_it(bench):
    engine = bench.provider((401, {}, {"error": {"message": "no"}}), client_key=True)
    answer = bench.ask(headers={"authorization": "Bearer theirs"})
    assert dict(engine.calls[0].headers)["authorization"] == "Bearer theirs"
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


def test_a_limited_rate_is_told_with_its_wait_and_kept(bench):
    bench.provider((429, {"retry-after": "7"}, {"error": {"message": "in organization org-7: slow down"}}))
    answer = bench.ask()
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert b"org-7" not in answer.body
    assert (bench.ask().status, len(bench.lab.called)) == (429, 1)


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        (500, 502, "server"),
        ("cut", 502, "protocol"),
        ("untaken", 504, "timeout"),
        ((302, {"location": "https://elsewhere.test"}, {}), 502, "protocol"),
        ((404, {}, b"<html>not here</html>"), 404, "refused"),
    ],
)
def test_a_failure_is_told_and_neither_tried_again_nor_taken_elsewhere(bench, behaviour, status, kind):
    bench.lab.provider("beta")
    bench.provider(behaviour)
    answer = bench.ask(b"x")
    assert (answer.status, answer.kinds) == (status, [kind])
    assert bench.lab.called == ["alpha"]
    assert "x-should-retry" not in answer.headers, "nothing was tried again: the client may"


def test_a_connection_that_could_not_be_made_is_tried_once_more(bench):
    bench.provider("refuse", [b"{}"])
    answer = bench.ask(b"x")
    assert (answer.status, answer.kinds) == (200, ["connect", "ok"])
    bench.provider("refuse")
    assert bench.ask(b"x").kinds == ["connect", "connect"]


def test_a_lack_of_this_machines_own_is_not_the_providers(bench):
    bench.provider("exhausted")
    assert bench.ask().status == 503
    assert [event for event, _ in bench.lab.alerts] == ["exhausted"]
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 0


def test_its_breaker_is_its_own_and_lets_one_call_a_second_through(bench):
    engine = bench.provider(500, breaker=BreakerSettings(consecutive_failures=2))
    for _ in range(3):
        bench.ask()
    assert bench.target.breaker.state(bench.lab.clock.time) is State.OPEN
    assert len(engine.calls) == 3, "the third was forced"
    answer = bench.ask()
    assert (answer.status, len(engine.calls)) == (503, 3)
    assert answer.error["sidestep"]["skipped"][0]["target"] == "alpha/passthrough"
    assert [state.name for state in bench.lab.registry.targets()] == ["alpha/passthrough"]


def test_a_silence_is_measured_from_the_bodys_end(bench):
    bench.lab.timeouts = TimeoutSettings(deadline_s=100)
    engine = bench.provider("stall", timeouts=TimeoutSettings(progress_unary_s=3))
    began = bench.lab.clock.time
    answer = bench.ask(b"")
    assert (answer.status, answer.kinds, bench.lab.clock.time - began) == (504, ["timeout"], 3)
    assert len(engine.calls) == 1


def test_a_client_that_sends_until_its_time_is_over_is_told_so_and_nobody_is_blamed(bench):
    engine = bench.provider([b"{}"])
    send = engine.send

    async def taking_all(call):
        async for _ in call.body:
            pass
        return await send(call)

    engine.send = taking_all
    answer = bench.ask(b"x", 50.0, headers={"x-stainless-read-timeout": "10"})
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 0
    assert bench.closed


def test_an_answer_that_falls_silent_is_cut_and_counted(bench):
    bench.provider([b"half", "stall"], timeouts=TimeoutSettings(idle_s=5))
    began = bench.lab.clock.time
    answer = bench.ask()
    assert answer.told == ["start", "write", "abort"]
    assert bench.lab.clock.time - began == 5
    assert answer.exchange.fault.code == "stream_cut"
    assert answer.kinds == ["timeout"]
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 1


def test_a_client_that_reads_slowly_is_not_the_upstreams_silence(bench):
    bench.lab.write_s = 20.0
    bench.provider([b"a", b"b", b"c"], timeouts=TimeoutSettings(idle_s=5))
    assert bench.ask().told == ["start", "write", "write", "write", "finish"]


def test_the_deadline_ends_the_whole_and_is_told(bench):
    bench.lab.timeouts = TimeoutSettings(deadline_s=2)
    bench.provider("stall")
    answer = bench.ask()
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 0
    assert bench.target.in_flight == 0


@pytest.mark.parametrize("script", [["stall"], [[b"half", "stall"]]])
def test_a_client_that_leaves_blames_nobody(bench, script):
    engine = bench.provider(*script)

    async def leave():
        task = asyncio.ensure_future(bench.send())
        await asyncio.wait([task], timeout=1)
        assert len(engine.calls) == 1
        bench.lab.cancel(Kind.CANCELLED)
        await asyncio.wait([task])

    bench.lab.run(leave())
    assert bench.target.breaker.snapshot(bench.lab.clock.time).failures == 0
    assert (bench.target.in_flight, bench.lab.counted[-1]) == (0, ("alpha", "passthrough", "cancelled"))


def test_an_answer_without_a_body_is_passed_whole(bench):
    bench.provider((204, {}, b""))
    assert bench.ask(method="DELETE").told == ["answer"]


def test_what_says_how_to_read_the_answer_passes_and_the_rest_does_not(bench):
    headers = {
        "content-type": "audio/mpeg", "content-disposition": "attachment", "content-length": "2",
        "content-range": "bytes 0-1/9", "set-cookie": "a=b", "openai-organization": "org-1",
        "openai-processing-ms": "5", "x-request-id": "req_up", "x-ratelimit-limit-requests": "9",
    }  # fmt: skip
    bench.provider((200, headers, b"ab"))
    answer = bench.ask(method="GET")
    told = dict(answer.headers)
    assert told["content-type"] == "audio/mpeg" and answer.length == 2
    assert told["x-sidestep-upstream-id"] == "req_up" and told["x-upstream-ratelimit-limit-requests"] == "9"
    assert {"content-disposition", "content-range", "openai-processing-ms"} <= told.keys()
    assert not {"set-cookie", "openai-organization", "content-length"} & told.keys()


@pytest.mark.parametrize(("maker", "why"), [("", "nobody keeps it"), ("gone", "kept by gone")])
async def test_what_nobody_here_keeps_is_a_404_and_nobody_is_asked(maker, why):
    with pytest.raises(Refused, match=why) as refused:
        await Passthrough(None, "alpha", {}).run(None, maker)
    assert (refused.value.fault.status, refused.value.fault.code) == (404, "not_found")


def test_what_another_is_known_to_have_made_is_asked_there(bench):
    alpha, beta = bench.provider("ok"), bench.lab.provider("beta")
    beta.script[0] = (200, {}, b"{}")
    bench.maker = "beta"
    assert bench.ask(method="GET").exchange.provider == "beta"
    assert (len(alpha.calls), len(beta.calls)) == (0, 1)


@pytest.mark.parametrize(("status", "fee", "cost"), [(200, 7, 7), (200, None, None), (400, 7, None)])
def test_what_passes_through_costs_its_fee_where_it_is_answered(bench, status, fee, cost):
    bench.fee = fee
    bench.provider((status, {}, {}))
    assert bench.ask(b"{}").exchange.cost == cost


def test_the_tokens_of_an_answer_count_though_its_client_left_before_its_end(bench, monkeypatch):
    async def left(*_) -> None:
        raise Gone

    monkeypatch.setattr(Answer, "write", left)
    said = b'{"usage": {"input_tokens": 7, "output_tokens": 8}}'
    bench.provider((200, {"content-type": "application/json"}, said))
    bench.ask(path="/v1/images/generations")
    assert bench.lab.current[0].usage == Usage(7, 8)
