"""Who may ask the server: by which name, from which page, and while there is room.

Any page that a reader has open can send requests to this server, and whoever owns a name can point it at this machine
(DNS rebinding), so that the browser takes the two for one site. So a request must call the server by an address in
digits, which nobody can point elsewhere, or by a name it was told; and what another site's page sends is refused.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from html import escape
from typing import Any

from core.concept.text import words
from core.figures import style

LONGEST = 2_000  # bytes of a path
LONGEST_PART = 255  # bytes between two slashes: no file system has longer names
SAFE = ("GET", "HEAD", "OPTIONS")
NETLOC = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII)
LOOK = (
    f":root {{ color-scheme: light dark; {style.variables('light')} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {style.variables('dark')} }} }}\n"
    "body { margin: 15vh auto; max-width: 32rem; padding: 0 1rem; font: 16px/1.6 var(--st-font);"
    " color: var(--st-text-color); background: var(--st-background-color) } a { color: var(--st-link-color) }"
)


def plain(netloc: str) -> str:
    """A host, with its port where that is neither http's nor https's, in one spelling; empty for what is no host."""
    found = NETLOC.fullmatch(netloc)
    if not found:
        return ""
    name, port = found[1].lower().rstrip("."), found[2]
    return name if port in (None, "80", "443") else f"{name}:{port}"


def settings(variable: str) -> list[str]:
    """The items of an environment variable, with commas or spaces between."""
    return re.findall(r"[^\s,]+", os.environ.get(variable, ""))


def without_port(host: str) -> str:
    return re.sub(r":[0-9]+$", "", host)


def public_hosts() -> frozenset[str]:
    """The hosts by which readers know this server (LAB_HOSTS), in the spelling of `plain`."""
    named = settings("LAB_HOSTS")
    if wrong := [name for name in named if not plain(name)]:
        raise SystemExit(f"LAB_HOSTS: {wrong[0]!r} is no host: write it as lab.example.org, or with its port.")
    return frozenset(map(plain, named))


def embedders() -> list[str]:
    """The origins whose pages may show the lab in a frame (LAB_EMBED); none by default."""
    named = settings("LAB_EMBED")
    for origin in named:
        scheme, _, host = origin.partition("://")
        if scheme not in ("https", "http") or not NETLOC.fullmatch(host):
            raise SystemExit(f"LAB_EMBED: {origin!r} is no origin: write it as https://school.example.")
    return named


def page(status: int, said: str, language: str, home: str = "") -> Any:
    """An answer that is one sentence for people; `home` is the way to the overview from there, if there is one."""
    from starlette.responses import HTMLResponse

    text = words("", language)
    way = f'<p><a href="{escape(home)}">{escape(text.say("chapters.home"))}</a></p>' if home else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(text.title)}</title><style>{LOOK}</style>'
        f"<h1>{escape(text.title)}</h1><p>{escape(said)}</p>{way}",
        status,
        {"Cache-Control": "no-store"},
    )


class Gate:
    """Middleware: refuses what must not be asked, and newcomers while there is no room, with a sentence.

    crowded: whether there is room for those only who are here already.
    """

    def __init__(self, app: Any, crowded: Callable[[], bool]):
        self.app, self.crowded, self.public = app, crowded, public_hosts()
        self.names = {"localhost", plain(os.environ.get("LAB_ADDRESS", "")), *map(without_port, self.public)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif refused := self._refused(scope):
            await self._refuse(scope, receive, send, *refused)
        else:
            if scope["type"] == "websocket":  # checked: streamlit would ask the internet for this machine's address
                scope = scope | {"headers": [(k, v) for k, v in scope["headers"] if k != b"origin"]}
            await self.app(scope, receive, send)

    def _refused(self, scope: Any) -> tuple[int, str] | None:
        """Status and the key of the sentence, if this request gets no other answer."""
        from core.ui import first

        socket, path = scope["type"] == "websocket", scope["path"].encode("utf-8", "replace")
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if not all(map(self._ours, hosts)):
            return 421, "host"
        if (socket or scope["method"] not in SAFE) and not all(self._same(origin, hosts) for origin in origins):
            return 403, "origin"
        if len(path) > LONGEST or max(map(len, path.split(b"/"))) > LONGEST_PART:
            return 414, "too_long"
        if (socket or first.page(scope["path"])) and self.crowded():
            return 503, "full"
        return None

    def _ours(self, host: str) -> bool:
        name = without_port(plain(host))
        if name in self.names:
            return bool(name)
        try:
            return bool(ipaddress.ip_address(name.strip("[]")))
        except ValueError:
            return False

    def _same(self, origin: str, hosts: list[str]) -> bool:
        """Whether a page of this origin is ours: it came from the host that is asked, or, where a proxy asks by another
        name, from one that was configured."""
        came = plain(origin.partition("://")[2])
        return bool(came) and (came in map(plain, hosts) or came in self.public)

    async def _refuse(self, scope: Any, receive: Any, send: Any, status: int, why: str) -> None:
        from starlette.responses import PlainTextResponse
        from starlette.websockets import WebSocket

        from core.ui import first

        accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        language = first.language(scope["query_string"].decode("latin-1"), accepted)
        said = words("", language).say(f"server.{why}")
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(PlainTextResponse(said, status))
        else:
            await page(status, said, language)(scope, receive, send)
