"""Who is on this WhatsApp: accounts, their devices and the keys each device has published."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from sessions.address import LID_SERVER, Jid
from sessions.sandbox.crypto.keys import KeyPair, PreKey, SignedPreKey
from sessions.sandbox.state.store import Store
from sessions.sandbox.wire.node import device_jid

PHONE = 0  #: the index of the phone itself among an account's devices
_ABOUT = "Hey there! I am using WhatsApp."


class AccountExistsError(ValueError):
    """The number is already registered."""


class AccountRecord(msgspec.Struct, omit_defaults=True):
    """What the store keeps of an account."""

    number: str
    lid: str
    name: str
    identity: bytes  #: private identity key of the phone
    raw_id: int
    about: str = _ABOUT
    about_at: int = 0
    next_index: int = 1
    key_index: int = 0
    devices_at: int = 0  #: when the device list last changed
    #: Numbers of the accounts that have asked for the device list, with the kind of address they asked about last.
    known_to: dict[str, str] = {}
    picture_id: str = ""
    picture: str = ""  #: name of the picture on the media host
    privacy: dict[str, str] = {}
    blocked: list[str] = []
    disappearing: int = 0
    business: str = ""  #: verified business name; empty for a private account
    accepted_terms: bool = False  #: of those who own a channel


class DeviceRecord(msgspec.Struct, omit_defaults=True):
    """What the store keeps of a device, besides its one-time keys and its queue."""

    number: str
    index: int
    key_index: int = 0
    identity_key: bytes = b""
    noise_key: bytes = b""
    registration_id: int = 0
    signed_prekey: SignedPreKey | None = None
    signed_identity: bytes = b""  #: ADVSignedDeviceIdentity as it was signed at pairing
    platform: str = ""
    wants_full_history: bool = False
    linked_at: int = 0
    last_seen: int = 0


class Bundle(NamedTuple):
    """The keys with which anybody can start a Signal session with a device."""

    identity_key: bytes
    registration_id: int
    signed_prekey: SignedPreKey
    prekey: PreKey | None
    signed_identity: bytes


class Device:
    """One device of an account: the phone itself (index 0) or a linked companion."""

    def __init__(self, account: Account, record: DeviceRecord, prekeys: Iterable[tuple[int, bytes]] = ()) -> None:
        self.account = account
        self.record = record
        self.prekeys: OrderedDict[int, bytes] = OrderedDict(prekeys)
        self.key = f"{record.number}:{record.index}"  #: names the device in the store
        self.lid = device_jid(account.lid, record.index)
        self.pn = device_jid(account.pn, record.index)

    @property
    def index(self) -> int:
        """0 for the phone, above it for companions."""
        return self.record.index

    @property
    def is_phone(self) -> bool:
        """Whether this is the phone itself."""
        return self.record.index == PHONE

    @property
    def has_keys(self) -> bool:
        """Whether others can encrypt for this device."""
        return self.record.signed_prekey is not None

    def __repr__(self) -> str:
        return f"<Device {self.record.index}>"


class Account:
    """One person or business on WhatsApp: a number, its LID, and the devices that act for it."""

    def __init__(self, record: AccountRecord) -> None:
        self.record = record
        self.identity = KeyPair(record.identity)
        self.devices: dict[int, Device] = {}
        self.pn = Jid(record.number)
        self.lid = Jid(record.lid, LID_SERVER)

    @property
    def number(self) -> str:
        """The phone number, digits only."""
        return self.record.number

    @property
    def name(self) -> str:
        """The name that others are shown beside this account's messages (the push name)."""
        return self.record.name

    @property
    def phone(self) -> Device:
        """The phone itself."""
        return self.devices[PHONE]

    @property
    def companions(self) -> list[Device]:
        """The linked devices, without the phone."""
        return [device for device in self.devices.values() if not device.is_phone]

    def reachable(self) -> list[Device]:
        """The devices that others can encrypt for."""
        return [device for device in self.devices.values() if device.has_keys]

    def shows(self, category: str, asker: Account) -> bool:
        """Whether this account lets another one see a thing; here everybody is in everybody's address book."""
        if asker is self:
            return True
        return asker.number not in self.record.blocked and self.record.privacy.get(category) != "none"

    def __repr__(self) -> str:
        return f"<Account with {len(self.devices)} devices>"


class Directory:
    """All accounts. Every change is written to the store at once; the caller commits."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._account_records = store.space("accounts")
        self._device_records = store.space("devices")
        self._by_number: dict[str, Account] = {}
        self._by_lid: dict[str, Account] = {}
        self._load()

    def __iter__(self) -> Iterator[Account]:
        return iter(list(self._by_number.values()))

    def register(self, number: str, name: str, *, business: str = "") -> Account:
        """A new account with its phone. The phone publishes its own keys afterwards."""
        if number in self._by_number:
            raise AccountExistsError("this number is already registered")
        record = AccountRecord(
            number=number,
            lid=self._new_lid(),
            name=name,
            identity=KeyPair().private,
            raw_id=secrets.randbits(31),
            about_at=int(time.time()),
            devices_at=int(time.time()),
            business=business,
        )
        account = self._add_account(record)
        phone = DeviceRecord(number=number, index=PHONE, identity_key=account.identity.public, platform="android")
        account.devices[PHONE] = Device(account, phone)
        self.save_account(account)
        self.save_device(account.phone)
        return account

    def get(self, number: str) -> Account | None:
        """The account with this number (digits only)."""
        return self._by_number.get(number)

    def find(self, jid: Jid | None) -> Account | None:
        """The account behind a PN or LID, whichever device it names."""
        if jid is None:
            return None
        if jid.server in (LID_SERVER, "hosted.lid"):
            return self._by_lid.get(jid.user)
        return self._by_number.get(jid.user) if jid.server in ("s.whatsapp.net", "c.us", "hosted") else None

    def device(self, jid: Jid | None) -> Device | None:
        """The device that a PN or LID with its device number names."""
        account = self.find(jid)
        return account.devices.get(jid.device) if account and jid else None

    def link(self, account: Account, record: DeviceRecord) -> Device:
        """Add a companion; ``record.index`` comes from :meth:`next_record`."""
        device = Device(account, record)
        account.devices[record.index] = device
        self._devices_changed(account)
        self.save_device(device)
        return device

    def next_record(self, account: Account) -> DeviceRecord:
        """A record for the next companion of this account. Indexes and key indexes are never given twice."""
        account.record.key_index += 1
        record = DeviceRecord(
            number=account.number,
            index=account.record.next_index,
            key_index=account.record.key_index,
            linked_at=int(time.time()),
        )
        account.record.next_index += 1
        self.save_account(account)
        return record

    def unlink(self, device: Device) -> None:
        """Forget a companion, its keys and its queue."""
        device.account.devices.pop(device.index, None)
        self._device_records.delete(device.key)
        self._store.forget_device(device.key)
        self._devices_changed(device.account)

    def publish_keys(
        self,
        device: Device,
        *,
        registration_id: int,
        identity_key: bytes,
        signed_prekey: SignedPreKey,
        prekeys: Iterable[tuple[int, bytes]] = (),
    ) -> None:
        """Take in the keys a device uploads: identity, signed prekey and further one-time keys."""
        new = list(prekeys)
        device.record.registration_id = registration_id
        device.record.identity_key = identity_key
        device.record.signed_prekey = signed_prekey
        device.prekeys.update(new)
        self._store.add_prekeys(device.key, new)
        self.save_device(device)

    def take_bundle(self, device: Device) -> Bundle | None:
        """The keys to start a session with a device, using up one of its one-time keys; None where it has none."""
        signed = device.record.signed_prekey
        if signed is None:
            return None
        prekey = None
        if device.prekeys:
            prekey = PreKey(*device.prekeys.popitem(last=False))
            self._store.remove_prekeys(device.key, [prekey.id])
        record = device.record
        return Bundle(record.identity_key, record.registration_id, signed, prekey, record.signed_identity)

    def save_account(self, account: Account) -> None:
        """Write a changed account record."""
        self._account_records.put(account.number, msgspec.msgpack.encode(account.record))

    def save_device(self, device: Device) -> None:
        """Write a changed device record."""
        self._device_records.put(device.key, msgspec.msgpack.encode(device.record))

    def _devices_changed(self, account: Account) -> None:
        account.record.devices_at = int(time.time())
        self.save_account(account)

    def _add_account(self, record: AccountRecord) -> Account:
        account = Account(record)
        self._by_number[record.number] = account
        self._by_lid[record.lid] = account
        return account

    def _new_lid(self) -> str:
        while True:
            lid = str(10**14 + secrets.randbelow(9 * 10**14))
            if lid not in self._by_lid:
                return lid

    def _load(self) -> None:
        for _, body in self._account_records.items():
            self._add_account(msgspec.msgpack.decode(body, type=AccountRecord))
        for key, body in self._device_records.items():
            record = msgspec.msgpack.decode(body, type=DeviceRecord)
            account = self._by_number[record.number]
            account.devices[record.index] = Device(account, record, self._store.prekeys(key))
