"""Spans as OTLP has them, sent to a collector over HTTP or gRPC.

The messages and gRPC come with the extra `telemetry`.
"""

import importlib.util
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from roundel.domain.clock import Micros
from roundel.domain.telemetry import OtlpProtocol, Span, SpanStatus
from roundel.wire.web import Web, WebRefused

SECONDS = 10.0
HTTP_PATH = "/v1/traces"
GRPC_PORT = 4317
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_STATUS = {SpanStatus.UNSET: 0, SpanStatus.OK: 1, SpanStatus.ERROR: 2}
_INTERNAL = 1  # the kind of a span that neither calls nor is called


class NotExported(Exception):
    """The collector did not take the spans; `str()` says why."""


def is_installed() -> bool:
    """Tell whether the extra is there."""
    try:
        found = importlib.util.find_spec("opentelemetry.proto.collector.trace.v1")
    except ModuleNotFoundError:
        return False
    return found is not None and importlib.util.find_spec("grpc") is not None


def address_of(endpoint: str, protocol: OtlpProtocol, *, insecure: bool) -> str:
    """Return the address to send to: with a scheme, and with OTLP's own port or path.

    Without a scheme it is https, or http where `insecure`.  Raise ValueError for what is no
    address.
    """
    text = endpoint.strip()
    if "://" not in text:
        text = f"{'http' if insecure else 'https'}://{text}"
    parts = urlsplit(text)
    if protocol is OtlpProtocol.GRPC:
        if parts.path.strip("/") or parts.query:
            raise ValueError("an address for gRPC is a host and a port")
        if parts.port is None:
            return f"{parts.scheme}://{parts.netloc}:{GRPC_PORT}"
        return f"{parts.scheme}://{parts.netloc}"
    if not parts.path.strip("/"):
        parts = parts._replace(path=HTTP_PATH)
    return parts.geturl()


def encoded(spans: Iterable[Span], resource: Mapping[str, str]) -> bytes:
    """Return the request that carries spans."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, text in resource.items():
        _put(group.resource.attributes, key, text)
    scope = group.scope_spans.add()
    scope.scope.name = "roundel"
    for span in spans:
        one = scope.spans.add()
        one.trace_id = bytes.fromhex(span.trace_id)
        one.span_id = bytes.fromhex(span.span_id)
        if span.parent_id is not None:
            one.parent_span_id = bytes.fromhex(span.parent_id)
        one.name = span.name
        one.kind = _INTERNAL
        one.start_time_unix_nano = _nanos(span.start)
        one.end_time_unix_nano = _nanos(max(span.end, span.start))
        one.status.code = _STATUS[span.status]
        one.status.message = span.message
        for key, value in span.attributes.items():
            _put(one.attributes, key, value)
    body: bytes = request.SerializeToString()
    return body


def _put(attributes: Any, key: str, value: str | int) -> None:
    one = attributes.add()
    one.key = key
    if isinstance(value, int):
        one.value.int_value = value
    else:
        one.value.string_value = value


def _nanos(at: Micros) -> int:
    return at * 1000


async def send(
    web: Web, url: str, protocol: OtlpProtocol, body: bytes, headers: Mapping[str, str]
) -> None:
    """Send a request to where `address_of` says.  Raise NotExported."""
    if protocol is OtlpProtocol.GRPC:
        await _send_by_grpc(web, url, body, headers)
        return
    own = {"Content-Type": "application/x-protobuf", "User-Agent": "roundel"}
    try:
        status = await web.post(url, body, {**headers, **own})
    except WebRefused as refused:
        raise NotExported(str(refused)) from refused
    if not 200 <= status < 300:
        raise NotExported(f"the collector answers with status {status}")


async def _send_by_grpc(web: Web, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    import grpc

    try:
        host, port, address = await web.resolve(url)
    except WebRefused as refused:
        raise NotExported(str(refused)) from refused
    target = f"ipv6:[{address}]:{port}" if ":" in address else f"ipv4:{address}:{port}"
    options = [("grpc.default_authority", f"{host}:{port}"), ("grpc.enable_http_proxy", 0)]
    if url.startswith("https://"):
        options.append(("grpc.ssl_target_name_override", host))
        credentials = grpc.ssl_channel_credentials()
        channel = grpc.aio.secure_channel(target, credentials, options)
    else:
        channel = grpc.aio.insecure_channel(target, options)
    async with channel:
        export = channel.unary_unary(_EXPORT)
        metadata = [(name.lower(), value) for name, value in headers.items()]
        try:
            await export(body, timeout=SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise NotExported(
                f"the collector answers {error.code().name}: {error.details()}"
            ) from error
