"""Connections: how long one may keep the server waiting, how many files are left for them, what of them is logged."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import time
from asyncio import TimerHandle
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

PATIENCE = 30.0  # seconds in which a connection must bring its request, go on with it, or take what it is sent
PING = 20.0  # seconds between looks whether a browser is still there, and for its answer
MOST_FILES = 65_536  # that the server asks the system for; each visitor takes four
RESERVE = 128  # files that newcomers leave to those who are here already, to the store and to /health
SAID = 5  # warnings of the same thing that are logged within a minute
KINDS = 200  # of warnings within a minute that are told apart


class Http(H11Protocol):
    """A connection that does not keep the server waiting for ever: uvicorn has a time limit between requests only."""

    _watch: TimerHandle | None = None
    _heard = 0.0  # when it last brought something of use

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux drops who takes nothing of what it is sent, websockets too
            line = transport.get_extra_info("socket")
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * PATIENCE))
        self._heard = self.loop.time()
        self._watch = self.loop.call_later(PATIENCE, self._look)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:  # the bits of a request that is never whole do not count
            self._heard = self.loop.time()

    def on_response_complete(self) -> None:
        self._heard = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._forget()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        owes = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if owes and self.loop.time() - self._heard >= PATIENCE:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(PATIENCE, self._look)

    def _forget(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


class WebSocket(WebSocketsSansIOProtocol):
    """A websocket that always answers a handshake, and lets go of a browser that is gone."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:  # uvicorn would say nothing
            status = HTTPStatus.BAD_REQUEST
            nothing = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            self.transport.write(b"".join(self.conn.data_to_send()) or nothing.encode())
            self.transport.close()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()  # a close would wait until what cannot be sent is sent


def raise_limit() -> None:
    """Let this process and its workers open as many files as the system allows: the usual 1,024 are a class or two."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):  # macOS has a further limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def crowded() -> bool:
    """Whether the files left are those kept for who is here already."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return False
    try:
        return len(os.listdir("/dev/fd")) > limit - RESERVE  # noqa: PTH208 — a count, in the time of a handshake
    except OSError:  # not even one is left for this look
        return True


class Bounded(logging.Filter):
    """Passes what warns of the same thing at most SAID times a minute: else whatever a visitor can make the server say
    again and again fills its disk."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[tuple[str, str, Any], int] = {}
        self.minute = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.name == "lab.runs":  # that one has references people are told
            return True
        minute = int(time.monotonic() // 60)
        if minute != self.minute:
            self.minute, self.counts = minute, {}
        raised = record.exc_info[0] if record.exc_info else None
        like = (record.name, re.sub(r"0x[0-9a-f]+|\d+", "#", str(record.msg))[:200], raised)
        if len(self.counts) >= KINDS and like not in self.counts:
            like = ("", "", None)
        count = self.counts[like] = self.counts.get(like, 0) + 1
        if count == SAID:
            record.msg = f"{record.msg} (more of this are not logged within this minute)"
        return count <= SAID


def bound_log() -> None:
    """Let no handler that there is now write the same over and over."""
    bounded = Bounded()
    loggers = [logging.root, *(log for log in logging.root.manager.loggerDict.values() if hasattr(log, "handlers"))]
    for handler in {handler for log in loggers for handler in log.handlers}:
        handler.addFilter(bounded)
