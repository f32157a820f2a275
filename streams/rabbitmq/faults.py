"""What the libraries' errors mean to the engine."""

import asyncio

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    ConnectionNotAllowed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from rstream import exceptions as stream
from rstream.connection import ConnectionClosed

from streams.errors import AccessRefused, BrokerError, BrokerUnavailable, NoSuchTarget

LIBRARY_ERRORS = (
    AMQPError,
    ChannelInvalidStateError,
    ConnectionClosed,
    OSError,
    StopAsyncIteration,  # aiormq's, where a connection ends in the middle of its greeting
    TimeoutError,
    asyncio.IncompleteReadError,
    stream.ClientError,
    stream.ServerError,
)

_MISSING = (ChannelNotFoundEntity, stream.StreamDoesNotExist)
_REFUSED = (
    AuthenticationError,
    ChannelAccessRefused,
    ConnectionNotAllowed,
    ProbableAuthenticationError,
    stream.AccessRefused,
    stream.AuthenticationFailure,
    stream.SASLAuthenticationFailureLoopback,
    stream.SASLError,
    stream.SASLMechanismNotSupported,
    stream.VirtualHostAccessFailure,
)


def translated(error: BaseException, doing: str) -> BrokerError:
    """The engine's error for a library's, to be raised from it. `doing` begins the message: "reading the log 'x'"."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, BrokerError):
        return error
    if isinstance(error, _MISSING):
        return NoSuchTarget(f"{doing}: the broker does not have it ({reason}): run `warren topology apply`")
    # aiormq's word for a refused virtual host: the broker answers Connection.Open with Connection.Close.
    if isinstance(error, InvalidFrameError):
        return AccessRefused(
            f"{doing}: the broker refused the virtual host: `rabbitmqctl list_vhosts` shows whether it is there, "
            "`rabbitmqctl list_user_permissions` whether the user has permissions on it"
        )
    if isinstance(error, _REFUSED):
        return AccessRefused(f"{doing}: the broker refused it ({reason}): check the user, its password and permissions")
    return BrokerUnavailable(f"{doing}: {reason}: check that RabbitMQ is up and can be reached, and try again")


def misnamed(error: ValueError, doing: str) -> NoSuchTarget:
    """The engine's error where the client library refuses a name."""
    return NoSuchTarget(f"{doing}: {error}: a name has letters, digits, spaces and -_.:@#,/+ only")
