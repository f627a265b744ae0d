"""App state: the phone and a companion with the same key follow the same collections through the service."""

from __future__ import annotations

import pytest

from sessions.protobuf import load
from sessions.sandbox.phones.syncd import PatchMismatchError, Synchroniser, SyncKey
from sessions.sandbox.state.directory import Directory
from sessions.sandbox.state.store import Store
from sessions.sandbox.traffic.appstate import AppStates
from sessions.sandbox.wire.node import Node

NAME = "critical_block"


def push_name(name: str):
    value = load("waSyncAction.WAWebProtobufSyncAction_pb2").SyncActionValue()
    value.pushNameSetting.name = name
    return value


def offer(patch: bytes, version: int) -> Node:
    collection = Node("collection", {"name": NAME, "version": str(version)}, [Node("patch", {}, patch)])
    return Node("sync", {}, [collection])


def ask(version: int) -> Node:
    return Node("sync", {}, [Node("collection", {"name": NAME, "version": str(version)})])


def patches_of(answer: Node) -> list[bytes]:
    patches = answer.require("collection").child("patches")
    return [patch.data for patch in patches.children] if patches else []


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "whatsapp.db")
    yield store
    store.close()


@pytest.fixture
def phone_device(store):
    return Directory(store=store).register("15550001", "Anna").phone


@pytest.fixture
def key():
    return SyncKey.create()


def synchroniser(key: SyncKey) -> Synchroniser:
    return Synchroniser(key=key, states={})


def test_what_one_device_writes_the_other_reads(store, phone_device, key):
    states, phone, companion = AppStates(store=store), synchroniser(key), synchroniser(key)
    for number, name in enumerate(["Anna", "Anna B."]):
        patch = phone.write(NAME, [(["setting_pushName"], push_name(name), 1)])
        assert states.sync(phone_device, offer(patch, number)).changed == [NAME]
        phone.apply(NAME, patch)

    received = patches_of(states.sync(phone_device, ask(0)).node)
    changes = [change for patch in received for change in companion.apply(NAME, patch)]

    assert [change.index for change in changes] == [["setting_pushName"]] * 2
    assert [change.value.pushNameSetting.name for change in changes] == ["Anna", "Anna B."]
    assert companion.states == phone.states
    assert patches_of(states.sync(phone_device, ask(2)).node) == []


def test_a_patch_that_follows_from_an_old_version_is_refused_with_what_was_missed(store, phone_device, key):
    states, phone = AppStates(store=store), synchroniser(key)
    patch = phone.write(NAME, [(["setting_pushName"], push_name("Anna"), 1)])
    states.sync(phone_device, offer(patch, 0))

    refused = states.sync(phone_device, offer(patch, 0))

    collection = refused.node.require("collection")
    assert refused.changed == []
    assert collection.text("type") == "error"
    assert collection.require("error").text("code") == "409"
    assert len(patches_of(refused.node)) == 1


def test_a_collection_nobody_knows_is_refused(store, phone_device):
    answer = AppStates(store=store).sync(phone_device, Node("sync", {}, [Node("collection", {"name": "odd"})]))

    assert answer.node.require("collection", "error").text("code") == "404"


def test_patches_survive_a_restart_in_their_order(store, phone_device, key):
    states, phone = AppStates(store=store), synchroniser(key)
    for number in range(12):
        patch = phone.write(NAME, [(["setting_pushName"], push_name(f"name {number}"), 1)])
        states.sync(phone_device, offer(patch, number))
        phone.apply(NAME, patch)

    later = AppStates(store=store)

    companion = synchroniser(key)
    for patch in patches_of(later.sync(phone_device, ask(0)).node):
        companion.apply(NAME, patch)
    assert companion.states == phone.states


@pytest.mark.parametrize("place", ["snapshotMAC", "patchMAC", "value"])
def test_a_tampered_patch_is_refused_and_changes_nothing(key, place):
    phone = synchroniser(key)
    patch = load("waServerSync.WAServerSync_pb2").SyncdPatch.FromString(
        phone.write(NAME, [(["setting_pushName"], push_name("Anna"), 1)])
    )
    target = patch.mutations[0].record.value if place == "value" else patch
    field = "blob" if place == "value" else place
    setattr(target, field, bytes([getattr(target, field)[0] ^ 1]) + getattr(target, field)[1:])

    with pytest.raises(PatchMismatchError):
        phone.apply(NAME, patch.SerializeToString())
    assert phone.version(NAME) == 0
