"""A typed client of the control API, for tests, the bench and `wagate sandbox`."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, TypeAlias

import aiohttp

JsonObject: TypeAlias = dict[str, Any]


class ControlError(Exception):
    """The control API refused; `code` is the stable code of its problem document."""

    def __init__(self, *, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code


class SandboxClient:
    """Drives the phones of one loopback WhatsApp."""

    def __init__(self, *, url: str) -> None:
        self._base = f"{url.rstrip('/')}/sandbox/v1"
        self._http = aiohttp.ClientSession()

    async def __aenter__(self) -> SandboxClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def phones(self) -> list[JsonObject]:
        """All phones, with their linked devices."""
        return list((await self._call("GET", "/phones"))["items"])

    async def phone(self, number: str) -> JsonObject:
        """One phone."""
        return await self._call("GET", f"/phones/{number}")

    async def add_phone(self, number: str, name: str | None = None) -> JsonObject:
        """Switch on a new phone."""
        return await self._call("POST", "/phones", {"number": number} | ({"name": name} if name else {}))

    async def scan(self, number: str, qr: str) -> JsonObject:
        """Scan a QR code; the answer is the device that was linked."""
        return dict((await self._call("POST", f"/phones/{number}/scan", {"qr": qr}))["device"])

    async def link(self, number: str, code: str) -> JsonObject:
        """Type a link code; the answer is the device that was linked."""
        return dict((await self._call("POST", f"/phones/{number}/link", {"code": code}))["device"])

    async def unlink(self, number: str, index: int | None = None) -> list[int]:
        """Remove one linked device, or all."""
        body = {} if index is None else {"index": index}
        return list((await self._call("POST", f"/phones/{number}/unlink", body))["unlinked"])

    async def send(self, number: str, to: str, type: str = "text", **content: Any) -> JsonObject:
        """Send a message from a phone, for instance ``text={"body": "hello"}``."""
        return await self._call("POST", f"/phones/{number}/messages", {"to": to, "type": type, **content})

    async def send_text(self, number: str, to: str, body: str) -> str:
        """Send a text from a phone; the answer is its id."""
        return str((await self.send(number, to, text={"body": body}))["id"])

    async def messages(self, number: str, *, limit: int = 100, after: int = 0, sent: bool = False) -> list[JsonObject]:
        """What reached a phone, in order of arrival and doubles included; with `sent` also what it sent itself."""
        query = f"?limit={limit}&after={after}&sent={str(sent).lower()}"
        return list((await self._call("GET", f"/phones/{number}/messages{query}"))["items"])

    async def file(self, url: str) -> bytes:
        """The decrypted file of a message, by the `url` that the message shows."""
        async with self._http.get(self._base.removesuffix("/sandbox/v1") + url) as answer:
            if answer.status != 200:
                raise await _refusal(answer)
            return await answer.read()

    async def read(self, number: str, ids: list[str] | None = None) -> list[str]:
        """Look at messages, by default at everything new."""
        return list((await self._call("POST", f"/phones/{number}/read", {"ids": ids} if ids else {}))["ids"])

    async def played(self, number: str, ids: list[str] | None = None) -> list[str]:
        """Listen to voice messages."""
        return list((await self._call("POST", f"/phones/{number}/played", {"ids": ids} if ids else {}))["ids"])

    async def typing(self, number: str, to: str, state: str = "composing") -> None:
        """Show the other side that somebody types."""
        await self._call("POST", f"/phones/{number}/typing", {"to": to, "state": state})

    async def groups(self, number: str) -> list[JsonObject]:
        """The groups that a phone is in."""
        return list((await self._call("GET", f"/phones/{number}/groups"))["items"])

    async def group(self, number: str, group: str) -> JsonObject:
        """One of them."""
        return await self._call("GET", f"/phones/{number}/groups/{group}")

    async def create_group(self, number: str, subject: str, participants: list[str], **more: Any) -> JsonObject:
        """Make a group on a phone."""
        body = {"subject": subject, "participants": participants, **more}
        return await self._call("POST", f"/phones/{number}/groups", body)

    async def change_group(self, number: str, group: str, **changes: Any) -> JsonObject:
        """Change a group from a phone."""
        return await self._call("PATCH", f"/phones/{number}/groups/{group}", changes)

    async def change_participants(self, number: str, group: str, action: str, numbers: list[str]) -> dict[str, int]:
        """Add, remove, promote, demote, approve or reject; WhatsApp's code for each number."""
        body = {"action": action, "numbers": numbers}
        return dict((await self._call("POST", f"/phones/{number}/groups/{group}/participants", body))["results"])

    async def join_group(self, number: str, code: str) -> str:
        """Follow an invite link; the answer is the group's address."""
        return str((await self._call("POST", f"/phones/{number}/groups/join", {"code": code}))["id"])

    async def leave_group(self, number: str, group: str) -> None:
        """Leave a group."""
        await self._call("POST", f"/phones/{number}/groups/{group}/leave")

    async def profile(self, number: str, **change: str) -> JsonObject:
        """What a person tells of themselves; with `name` or `about` after a change of that."""
        return await self._call("PUT" if change else "GET", f"/phones/{number}/profile", change or None)

    async def set_picture(self, number: str, jpeg: bytes) -> None:
        """Set the profile picture of a phone."""
        async with self._http.put(f"{self._base}/phones/{number}/picture", data=jpeg) as answer:
            if answer.status >= 400:
                raise await _refusal(answer)

    async def block(self, number: str, other: str, *, blocks: bool = True) -> JsonObject:
        """Block another number on a phone, or no longer."""
        verb = "block" if blocks else "unblock"
        return await self._call("POST", f"/phones/{number}/{verb}", {"number": other})

    async def call(self, number: str, to: str, *, video: bool = False) -> JsonObject:
        """Call another number from a phone."""
        return await self._call("POST", f"/phones/{number}/calls", {"to": to, "video": video})

    async def end_call(self, number: str, call: str, how: str) -> None:
        """``accept`` or ``decline`` a call that rings on a phone, or ``hang-up`` one that it made."""
        await self._call("POST", f"/phones/{number}/calls/{call}/{how}")

    async def calls(self, number: str) -> list[JsonObject]:
        """The calls that a phone has made, and what became of them."""
        return list((await self._call("GET", f"/phones/{number}/calls"))["items"])

    async def channels(self) -> list[JsonObject]:
        """All channels."""
        return list((await self._call("GET", "/channels"))["items"])

    async def create_channel(self, number: str, name: str, description: str = "") -> JsonObject:
        """Open a channel from a phone."""
        return await self._call("POST", f"/phones/{number}/channels", {"name": name, "description": description})

    async def follow(self, number: str, channel: str, *, follows: bool = True) -> JsonObject:
        """Follow a channel from a phone, or no longer."""
        verb = "follow" if follows else "unfollow"
        return await self._call("POST", f"/phones/{number}/channels/{channel}/{verb}")

    async def publish(self, number: str, channel: str, body: str) -> JsonObject:
        """Publish a text in a channel from its owner's phone."""
        return await self._call("POST", f"/phones/{number}/channels/{channel}/messages", {"body": body})

    async def react_in_channel(self, number: str, channel: str, server_id: int, emoji: str) -> JsonObject:
        """Put an emoji on a post from a phone; an empty one takes it back."""
        path = f"/phones/{number}/channels/{channel}/messages/{server_id}/reaction"
        return await self._call("POST", path, {"emoji": emoji})

    async def posts(self, channel: str) -> list[JsonObject]:
        """What was published in a channel, with who saw it and how they found it."""
        return list((await self._call("GET", f"/channels/{channel}/messages"))["items"])

    async def inject(self, kind: str, **fault: Any) -> int:
        """Make something go wrong; the answer is the fault's id."""
        return int((await self._call("POST", "/faults", {"kind": kind, **fault}))["id"])

    async def send_frames(self, number: str, frames: Iterable[bytes]) -> int:
        """Send a phone's linked devices these frames as they are; the answer is to how many devices."""
        body = {"frames": [_base64(frame) for frame in frames]}
        return int((await self._call("POST", f"/phones/{number}/frames", body))["devices"])

    async def seal(self, number: str, to: str, contents: Iterable[bytes]) -> list[tuple[str, bytes]]:
        """Encrypt from a phone what a linked device of another number can read: kind and ciphertext of each."""
        body = {"to": to, "contents": [_base64(content) for content in contents]}
        items = (await self._call("POST", f"/phones/{number}/seal", body))["items"]
        return [(item["type"], base64.b64decode(item["base64"])) for item in items]

    async def clear_faults(self) -> int:
        """End all faults; the answer is how many were in force."""
        return int((await self._call("DELETE", "/faults"))["cleared"])

    async def unknown(self) -> list[str]:
        """What clients asked that this WhatsApp does not know."""
        return list((await self._call("GET", "/unknown"))["items"])

    async def state(self) -> JsonObject:
        """The address, the trust and the health of this WhatsApp."""
        return await self._call("GET", "/state")

    async def events(self) -> AsyncIterator[tuple[str, str]]:
        """News from all phones as they happen: kind and JSON text. The first is `ready`."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._http.get(f"{self._base}/events", timeout=timeout) as answer:
            kind = ""
            async for raw in answer.content:
                name, _, value = raw.decode().rstrip("\r\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, value

    async def _call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        # As a file, since aiohttp warns of large bodies that are bytes.
        data = None if body is None else io.BytesIO(json.dumps(body).encode())
        headers = {"Content-Type": "application/json"} if data else {}
        async with self._http.request(method, f"{self._base}{path}", data=data, headers=headers) as answer:
            if answer.status >= 400:
                raise await _refusal(answer)
            return dict(await answer.json())


def _base64(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode()}


async def _refusal(answer: aiohttp.ClientResponse) -> ControlError:
    problem = await answer.json(content_type=None)
    return ControlError(status=answer.status, code=problem["code"], detail=problem["detail"])
