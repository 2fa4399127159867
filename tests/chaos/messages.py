"""Messages that nobody means: random bytes, and random content of the right types, for every method of the API."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from numpy.typing import NDArray

from batterytwin.v1 import (
    alert_service_pb2,
    auth_service_pb2,
    fleet_service_pb2,
    history_service_pb2,
    ingest_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
    scenario_service_pb2,
    twin_service_pb2,
)

_FILES = (
    alert_service_pb2,
    auth_service_pb2,
    fleet_service_pb2,
    history_service_pb2,
    ingest_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
    scenario_service_pb2,
    twin_service_pb2,
)
_CHANGES_THE_FLEET = {"RegisterGrid"}
_LARGE_BYTES = 5_000_000
_STREAM_TIMEOUT_S = 0.2
_STREAM_WEIGHT = 0.1  # a watch that was understood only ends by its deadline
_MOST_DEPTH = 4

_INTEGERS = (0, 1, -1, 2, 7, 1_000, 2**31 - 1, -(2**31))
_REALS = (0.0, 1.0, -1.0, 13.6, 1e30, -1e30, float("nan"), float("inf"), float("-inf"))
_TEXTS = (
    "",
    "BRK",
    "BRK-U1-S01",
    "NO-SUCH",
    "\u0e41\u0e1a\u0e15",
    "'; DROP TABLE reading; --",
    "x" * 5_000,
    "\0",
    "%s%n",
)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the API, to be called with any bytes.

    Attributes:
        name: for example "TwinService.GetTwin".
        call: sends bytes; raises `grpc.RpcError`.
        request: makes an empty request.
        is_unary: one question, one answer.
    """

    name: str
    call: Callable[[bytes, Sequence[tuple[str, str]]], None]
    request: Callable[[], Message]
    is_unary: bool


def all_methods(channel: grpc.Channel) -> list[Method]:
    """Every method but those that would change the fleet under test if a message happened to be good."""
    services = [service for file in _FILES for service in file.DESCRIPTOR.services_by_name.values()]
    methods = [method for service in services for method in service.methods]
    return [_method(channel, method) for method in methods if method.name not in _CHANGES_THE_FLEET]


def _weights(methods: Sequence[Method]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.array([1.0 if method.is_unary else _STREAM_WEIGHT for method in methods])
    weights /= weights.sum()
    return weights


def _method(channel: grpc.Channel, method: MethodDescriptor) -> Method:
    path = f"/{method.containing_service.full_name}/{method.name}"
    if not method.server_streaming:
        unary: Any = channel.unary_unary(path)

        def call(message: bytes, metadata: Sequence[tuple[str, str]]) -> None:
            unary(message, metadata=metadata, timeout=10.0)

    else:
        stream: Any = channel.stream_stream(path) if method.client_streaming else channel.unary_stream(path)

        def call(message: bytes, metadata: Sequence[tuple[str, str]]) -> None:
            question = iter([message]) if method.client_streaming else message
            answers = stream(question, metadata=metadata, timeout=_STREAM_TIMEOUT_S)
            try:
                for _ in zip(answers, range(3), strict=False):
                    pass
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:  # a watch has no end of its own
                    raise
            finally:
                answers.cancel()

    return Method(
        f"{method.containing_service.name}.{method.name}",
        call,
        GetMessageClass(method.input_type),
        not method.server_streaming,
    )


def random_requests(methods: Sequence[Method], count: int, seed: int) -> Iterator[tuple[Method, bytes]]:
    """So many calls: half of random bytes, half of random content; one of them in two thousand is too large."""
    rng, weights = np.random.default_rng(seed), _weights(methods)
    for number in range(count):
        method = methods[int(rng.choice(len(methods), p=weights))]
        if number % 2_000 == 500:
            yield method, rng.bytes(_LARGE_BYTES)
        elif number % 2:
            yield method, rng.bytes(int(rng.integers(0, 400)))
        else:
            message = method.request()
            _fill(message, rng, _MOST_DEPTH)
            yield method, message.SerializeToString()


def _fill(message: Message, rng: np.random.Generator, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.4:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if depth:
                holder = getattr(message, field.name)
                for _ in range(int(rng.integers(1, 3)) if field.is_repeated else 1):
                    _fill(holder.add() if field.is_repeated else holder, rng, depth - 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(_value(field, rng) for _ in range(int(rng.integers(0, 4))))
        else:
            setattr(message, field.name, _value(field, rng))


def _value(field: Any, rng: np.random.Generator) -> object:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            text = _TEXTS[int(rng.integers(len(_TEXTS)))]
            return text if field.type == FieldDescriptor.TYPE_STRING else text.encode()
        case FieldDescriptor.CPPTYPE_BOOL:
            return bool(rng.integers(2))
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return _REALS[int(rng.integers(len(_REALS)))]
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return abs(_INTEGERS[int(rng.integers(len(_INTEGERS)))])
        case _:
            return _INTEGERS[int(rng.integers(len(_INTEGERS)))]
