"""Calls of `IngestService` whose requests are bytes already: columns lie in them as they lie in memory."""

from typing import Final

import grpc
import grpc.aio

from batterytwin.v1.ingest_service_pb2 import DESCRIPTOR, IngestReadingsResponse, StreamReadingsResponse

_SERVICE: Final = f"/{DESCRIPTOR.services_by_name['IngestService'].full_name}"
_INGEST: Final = f"{_SERVICE}/IngestReadings"
_STREAM: Final = f"{_SERVICE}/StreamReadings"


def ingest_call(channel: grpc.Channel) -> "grpc.UnaryUnaryMultiCallable[bytes, IngestReadingsResponse]":
    """`IngestReadings` on a blocking channel."""
    return channel.unary_unary(
        _INGEST, request_serializer=_as_it_is, response_deserializer=IngestReadingsResponse.FromString
    )


def aio_ingest_call(channel: grpc.aio.Channel) -> "grpc.aio.UnaryUnaryMultiCallable[bytes, IngestReadingsResponse]":
    """`IngestReadings` on an asynchronous channel."""
    return channel.unary_unary(
        _INGEST, request_serializer=_as_it_is, response_deserializer=IngestReadingsResponse.FromString
    )


def aio_stream_call(channel: grpc.aio.Channel) -> "grpc.aio.StreamStreamMultiCallable[bytes, StreamReadingsResponse]":
    """`StreamReadings` on an asynchronous channel."""
    return channel.stream_stream(
        _STREAM, request_serializer=_as_it_is, response_deserializer=StreamReadingsResponse.FromString
    )


def _as_it_is(message: bytes) -> bytes:
    return message
