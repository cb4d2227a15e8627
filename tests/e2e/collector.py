"""A collector that takes traces by OTLP over HTTP, on a socket of its own, and reads them with the protocol's types.

What arrives is checked as a real one would check it: method, path, type, a message that parses, ids of the right sizes,
times in their order. `answers` scripts its next answers: a status and headers each; afterwards all is taken.
"""

import asyncio
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

BREAK = b"\r\n\r\n"


def value_of(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    return getattr(value, kind)


class Got:
    """One span."""

    def __init__(self, span: Span, resource: dict[str, Any]) -> None:
        self.resource = resource
        self.raw = span
        self.name, self.kind, self.failed = span.name, span.kind, span.status.code == 2
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.events = [(event.name, event.time_unix_nano) for event in span.events]
        self.attributes = {one.key: value_of(one.value) for one in span.attributes}
        assert len(self.attributes) == len(span.attributes), "no attribute is told twice"
        assert len(span.trace_id) == 16 and any(span.trace_id)
        assert len(span.span_id) == 8 and any(span.span_id)
        assert len(span.parent_span_id) in (0, 8)
        assert 0 < self.start <= self.end
        assert all(self.start <= when <= self.end for _, when in self.events)

    def __getitem__(self, name: str) -> Any:
        return self.attributes.get(name)


class Collected:
    """`url` is its base address."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.taken: list[Got] = []
        self.open = asyncio.Event()
        """Cleared, it takes requests and answers none."""
        self.open.set()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        self._server.close()

    async def spans(self, count: int) -> list[Got]:
        """The next so many spans, the exchange's own before its attempts; no more have come."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.taken) >= count)
        assert len(self.taken) == count
        found, self.taken = sorted(self.taken, key=lambda one: one.kind), []
        return found

    async def asked(self, count: int) -> None:
        """Returns once it has been asked so often in all."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.bodies) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(BREAK)).decode()
                lines = head.split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
                }
                body = await reader.readexactly(int(headers["content-length"]))
                async with self._changed:
                    self.headers.append(headers)
                    self.bodies.append(body)
                    self._changed.notify_all()
                await self.open.wait()
                status, more = self.answers.pop(0) if self.answers else (200, {})
                if status == 200:
                    await self._take(lines[0], headers, body)
                told = "".join(f"{name}: {value}\r\n" for name, value in more.items())
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{told}\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _take(self, line: str, headers: dict[str, str], body: bytes) -> None:
        assert line == "POST /v1/traces HTTP/1.1"
        assert headers["content-type"] == "application/x-protobuf"
        message = ExportTraceServiceRequest.FromString(body)
        async with self._changed:
            for whose in message.resource_spans:
                resource = {one.key: value_of(one.value) for one in whose.resource.attributes}
                for scope in whose.scope_spans:
                    assert scope.scope.name == "sidestep"
                    self.taken += [Got(span, resource) for span in scope.spans]
            self._changed.notify_all()
