"""What an engine build can do. What is missing answers ``engine_unsupported`` with a sentence."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    PAIR_QR = "pair.qr"
    PAIR_CODE = "pair.code"
    PAIR_PASSKEY = "pair.passkey"
    SEND_TEXT = "send.text"
    SEND_MEDIA = "send.media"
    SEND_STICKER = "send.sticker"
    SEND_LOCATION = "send.location"
    SEND_CONTACTS = "send.contacts"
    SEND_POLL = "send.poll"
    REACT = "react"
    EDIT = "edit"
    REVOKE = "revoke"
    MARK_READ = "mark_read"
    TYPING = "typing"
    PRESENCE = "presence"
    DOWNLOAD = "download"
    MEDIA_RETRY = "media.retry"
    CHECK_NUMBERS = "check.numbers"
    GROUPS = "groups"
    GROUPS_ADD_MODE = "groups.add_mode"
    GROUPS_APPROVAL = "groups.approval"
    GROUPS_REQUESTS = "groups.requests"
    GROUPS_PICTURE_REMOVE = "groups.picture_remove"
    PROFILE = "profile"
    PRIVACY = "privacy"
    BLOCKLIST = "blocklist"
    BUSINESS_PROFILE = "business.profile"
    CALL_REJECT = "call.reject"
    CHANNELS = "channels"
    CHANNEL_MEDIA = "channels.media"
    HISTORY_INITIAL = "history.initial"
    HISTORY_ON_DEMAND = "history.on_demand"
    APP_STATE_WRITE = "app_state.write"
    LABELS = "labels"


#: Why the engine cannot do what it cannot do, in a sentence for the caller.
UNSUPPORTED: dict[Capability, str] = {
    Capability.PAIR_PASSKEY: "Linking an account that asks for a passkey is not possible with this engine.",
    Capability.MEDIA_RETRY: "Asking the phone to upload expired media again is not possible with this engine.",
    Capability.GROUPS_ADD_MODE: "Who may add members to a group cannot be changed with this engine.",
    Capability.GROUPS_APPROVAL: "Whether admins must let in those who join cannot be changed with this engine.",
    Capability.GROUPS_REQUESTS: "Requests to join can be listed, but not answered with this engine: use the phone.",
    Capability.GROUPS_PICTURE_REMOVE: "The picture of a group can be changed, but not removed with this engine.",
    Capability.HISTORY_ON_DEMAND: "Older history cannot be fetched on demand with this engine.",
    Capability.APP_STATE_WRITE: "Archiving, pinning, starring and muting chats is not possible with this engine.",
    Capability.BUSINESS_PROFILE: "The opening hours, address and catalogue of a business cannot be read or set with this engine.",
    Capability.CHANNEL_MEDIA: "Only text can be published in channels with this engine.",
    Capability.LABELS: "Labels are not possible with this engine.",
}

SUPPORTED: frozenset[Capability] = frozenset(Capability) - frozenset(UNSUPPORTED)
