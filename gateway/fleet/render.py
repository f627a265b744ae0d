"""How a session looks outside: one rendering for the API, for events and for pages."""

from __future__ import annotations

from datetime import datetime

from gateway.fleet.models import Session
from gateway.fleet.restrictions import TIMELOCK_CODE, RestrictionKind, current_kind, explain
from gateway.kit.ids import render_id
from gateway.kit.times import from_epoch, render_time
from sessions.address import Jid
from sessions.liveness import Liveness
from sessions.status import Reason, sentence

SESSION_PREFIX = "ses"


def session_id(session: Session) -> str:
    """The session's id at the edge; the engine knows it by this name too."""
    return render_id(SESSION_PREFIX, session.id)


def render_reason(code: str | None) -> dict[str, str] | None:
    """A reason's code with the sentence that tells a person what to do."""
    return None if code is None else {"code": code, "sentence": sentence(Reason(code))}


def render_restriction(session: Session) -> dict[str, object] | None:
    """What WhatsApp does not let the session do, with the sentence that tells a person what to do."""
    kind = current_kind(session)
    if kind is None:
        return None
    is_timelock = kind is RestrictionKind.TIMELOCK
    code = TIMELOCK_CODE if is_timelock else session.restriction_code
    return {
        "kind": kind.value,
        "scope": "first_contacts" if is_timelock else "all",
        "code": code,
        "sentence": explain(kind, code),
        "since": render_time(session.timelocked_at if is_timelock else session.restricted_at),
        "until": render_time(session.timelocked_until if is_timelock else session.restricted_until),
    }


def render_session(session: Session) -> dict[str, object]:
    """The session's JSON."""
    return {
        "id": session_id(session),
        "name": session.name,
        "status": session.status,
        "live": session.live,
        "desired": session.desired,
        "paired": session.is_paired,
        "reason": render_reason(session.reason),
        "until": render_time(session.until),
        "restriction": render_restriction(session),
        "phone": session.phone,
        "lid": _user(session.lid),
        "jid": _device_jid(session),
        "push_name": session.push_name,
        "platform": session.platform,
        "expected_phone": session.expected_phone,
        "settings": session.settings,
        "created_at": render_time(session.created_at),
        "status_at": render_time(session.status_at),
        "paired_at": render_time(session.paired_at),
        "connected_at": render_time(session.connected_at),
    }


def render_reasons(session: Session) -> list[dict[str, object]]:
    """The last reasons with their times and sentences, newest first."""
    return [
        {
            "status": entry["status"],
            "reason": render_reason(entry["reason"]),
            "at": render_time(datetime.fromisoformat(entry["at"])),
        }
        for entry in session.reasons
    ]


def render_liveness(liveness: Liveness) -> dict[str, object]:
    """A session's signs of life, as far as this gateway has seen them since it started."""
    return {
        "state": liveness.state.value,
        "since": render_time(_moment(liveness.since or None)),
        "reason": render_reason(liveness.reason),
        "last_frame_at": render_time(_moment(liveness.last_frame_at)),
        "last_proof_at": render_time(_moment(liveness.last_proof_at)),
        "keepalive_failures": liveness.keepalive_failures,
        "probe_ms": None if liveness.probe_ms is None else round(liveness.probe_ms, 1),
        "recycles": liveness.recycles,
    }


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else from_epoch(seconds)


def _user(jid: str | None) -> str | None:
    return str(Jid.parse(jid)) if jid else None


def _device_jid(session: Session) -> str | None:
    if session.pn is None:
        return None
    account = Jid.parse(session.pn)
    return str(Jid(account.user, account.server, session.device or 0))
