"""HEAD is answered wherever GET is: the same, without a body (RFC 9110)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Lets the application answer a GET, and keeps the body back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            asked = {**scope, "method": "GET"}
            await self._app(asked, receive, _Head(send).send)
            # What was found out about the request is for those outside too.
            scope["route"] = asked.get("route")
        else:
            await self._app(scope, receive, send)


class _Head:
    """The answer ends with its head, also where its body would never end."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._ended = False

    async def send(self, message: Message) -> None:
        if self._ended:
            raise OSError("nobody reads the body of an answer to HEAD")
        if message["type"] == "http.response.start":
            await self._send(message)
        else:
            self._ended = message.get("more_body", False)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
