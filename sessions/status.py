"""Session status, the allowed transitions, and one human sentence for every reason."""

from __future__ import annotations

from enum import StrEnum


class SessionStatus(StrEnum):
    """Where a session stands, seen from outside."""

    STOPPED = "stopped"  #: nobody wants it to run, or it was never paired
    STARTING = "starting"  #: its worker process is being started
    PAIRING = "pairing"  #: a QR code or phone code is on offer
    CONNECTING = "connecting"  #: paired, on its way to WhatsApp
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"  #: was connected, comes back by itself
    LOGGED_OUT = "logged_out"  #: the phone unlinked it; needs pairing
    BANNED = "banned"  #: WhatsApp refuses the number, for a time or for good
    REPLACED = "replaced"  #: the same keys connected elsewhere
    OUTDATED = "outdated"  #: WhatsApp no longer takes this engine version
    PASSKEY_REQUIRED = "passkey_required"  #: WhatsApp asks for a passkey while pairing; this engine cannot answer
    FAILED = "failed"  #: the worker keeps crashing; a person must look


_UP = {
    SessionStatus.CONNECTED,
    SessionStatus.RECONNECTING,
    SessionStatus.LOGGED_OUT,
    SessionStatus.BANNED,
    SessionStatus.REPLACED,
    SessionStatus.OUTDATED,
    SessionStatus.FAILED,
    SessionStatus.STOPPED,
}

#: From each status, the ones that may follow. A session may always be stopped.
TRANSITIONS: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.STOPPED: frozenset(
        {SessionStatus.STARTING, SessionStatus.PAIRING, SessionStatus.LOGGED_OUT, SessionStatus.FAILED}
    ),
    SessionStatus.STARTING: frozenset(_UP | {SessionStatus.CONNECTING, SessionStatus.PAIRING}),
    SessionStatus.PAIRING: frozenset(
        {
            SessionStatus.STOPPED,
            SessionStatus.STARTING,
            SessionStatus.CONNECTING,
            SessionStatus.CONNECTED,
            SessionStatus.PASSKEY_REQUIRED,
            SessionStatus.OUTDATED,
            SessionStatus.BANNED,
            SessionStatus.LOGGED_OUT,
            SessionStatus.FAILED,
        }
    ),
    SessionStatus.CONNECTING: frozenset(_UP | {SessionStatus.STARTING}),
    SessionStatus.CONNECTED: frozenset((_UP | {SessionStatus.STARTING}) - {SessionStatus.CONNECTED}),
    SessionStatus.RECONNECTING: frozenset(
        (_UP | {SessionStatus.STARTING, SessionStatus.CONNECTING}) - {SessionStatus.RECONNECTING}
    ),
    SessionStatus.LOGGED_OUT: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}),
    SessionStatus.BANNED: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}),
    SessionStatus.REPLACED: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING}),
    SessionStatus.OUTDATED: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}),
    SessionStatus.PASSKEY_REQUIRED: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}),
    SessionStatus.FAILED: frozenset({SessionStatus.STOPPED, SessionStatus.STARTING, SessionStatus.PAIRING}),
}

#: The worker is not started again by itself from these: somebody has to do something first.
NEEDS_A_PERSON = frozenset(
    {
        SessionStatus.LOGGED_OUT,
        SessionStatus.BANNED,
        SessionStatus.REPLACED,
        SessionStatus.OUTDATED,
        SessionStatus.PASSKEY_REQUIRED,
        SessionStatus.FAILED,
    }
)


class Reason(StrEnum):
    """Why a session is where it is; stable codes for machines."""

    UNLINKED_FROM_PHONE = "unlinked_from_phone"
    UNLINKED_HERE = "unlinked_here"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_BANNED = "account_banned"
    TEMPORARY_BAN = "temporary_ban"
    CONNECTED_ELSEWHERE = "connected_elsewhere"
    ENGINE_OUTDATED = "engine_outdated"
    PASSKEY_DEMANDED = "passkey_demanded"
    QR_EXPIRED = "qr_expired"
    PAIRING_REFUSED = "pairing_refused"
    WRONG_PHONE = "wrong_phone"
    ALREADY_LINKED = "already_linked"
    CONNECTION_LOST = "connection_lost"
    CONNECTION_REFUSED = "connection_refused"
    ENGINE_DEAF = "engine_deaf"
    KEEPALIVE_LOST = "keepalive_lost"
    PROBE_UNANSWERED = "probe_unanswered"
    JOURNAL_STUCK = "journal_stuck"
    WORKER_SILENT = "worker_silent"
    WORKER_CRASHED = "worker_crashed"
    CRASH_LOOP = "crash_loop"
    STORE_UNREADABLE = "store_unreadable"
    STORE_IN_USE = "store_in_use"
    ENGINE_UNUSABLE = "engine_unusable"
    PROXY_REFUSED = "proxy_refused"
    STOPPED_BY_REQUEST = "stopped_by_request"
    MOVED_AWAY = "moved_away"
    RESTORED = "restored"


SENTENCES: dict[Reason, str] = {
    Reason.UNLINKED_FROM_PHONE: "The phone unlinked this session. Link it again with a new QR code.",
    Reason.UNLINKED_HERE: "This session was logged out here. Link it again with a new QR code.",
    Reason.ACCOUNT_LOCKED: "WhatsApp has locked this account. Open WhatsApp on the phone and follow what it says.",
    Reason.ACCOUNT_BANNED: "WhatsApp has banned this number. Open WhatsApp on the phone to ask for a review.",
    Reason.TEMPORARY_BAN: "WhatsApp has banned this number for a time. It connects again by itself when the ban has ended.",
    Reason.CONNECTED_ELSEWHERE: "The same linked device connected from another place. Stop the other one, then start this session.",
    Reason.ENGINE_OUTDATED: "WhatsApp no longer accepts this version of the gateway. Upgrade the gateway, then start the session.",
    Reason.PASSKEY_DEMANDED: "WhatsApp asks this account for a passkey to link a device, which this gateway cannot answer yet. "
    "Turn the passkey off on the phone (Settings, Account, Passkeys) and try again.",
    Reason.QR_EXPIRED: "The QR code was not scanned in time. Ask for a new one.",
    Reason.PAIRING_REFUSED: "WhatsApp refused to link the phone. Try again; if it fails again, restart WhatsApp on the phone.",
    Reason.WRONG_PHONE: "Another phone than the expected one scanned the code. Scan it with the right phone.",
    Reason.ALREADY_LINKED: "This phone is already linked as another session here.",
    Reason.CONNECTION_LOST: "The connection to WhatsApp was lost. The gateway reconnects by itself.",
    Reason.CONNECTION_REFUSED: "WhatsApp could not be reached. The gateway tries again by itself.",
    Reason.ENGINE_DEAF: "The engine stopped delivering events and was restarted.",
    Reason.KEEPALIVE_LOST: "WhatsApp does not answer the connection's keep-alive. If that lasts, the gateway connects anew.",
    Reason.PROBE_UNANSWERED: "The connection stands, but WhatsApp does not answer. If that lasts, the gateway connects anew.",
    Reason.JOURNAL_STUCK: "What arrives cannot be written to disk, so it is held back. Make room on the disk, or look at its health.",
    Reason.WORKER_SILENT: "The session's process does not say that it is well. It is replaced.",
    Reason.WORKER_CRASHED: "The session's process ended unexpectedly and was restarted.",
    Reason.CRASH_LOOP: "The session's process keeps crashing and is no longer restarted. Look at the log, then start it again.",
    Reason.STORE_UNREADABLE: "The session's key store cannot be read. Restore it from a backup or link the phone again.",
    Reason.STORE_IN_USE: "Another process holds this session's key store. Stop the other gateway first.",
    Reason.ENGINE_UNUSABLE: "The WhatsApp engine failed its self-check. Reinstall the gateway.",
    Reason.PROXY_REFUSED: "The session's proxy may not be used from here or cannot be read. Set another one, then start the session.",
    Reason.STOPPED_BY_REQUEST: "The session was stopped on request.",
    Reason.MOVED_AWAY: "This phone was moved to another gateway and is linked there. Import its archive here to take it back.",
    Reason.RESTORED: "This gateway was restored from a backup whose keys are older than their last use. Link the phone again "
    "with a new QR code.",
}


def sentence(reason: Reason) -> str:
    """What a person should know and do about a reason."""
    return SENTENCES[reason]


def may_follow(current: SessionStatus, following: SessionStatus) -> bool:
    """Whether a session in ``current`` may go to ``following``; staying is always allowed."""
    return current == following or following in TRANSITIONS[current]
