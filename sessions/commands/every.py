"""All commands and all results: a new area adds its own to these two."""

from __future__ import annotations

from sessions.commands.account import AccountCommand, AccountResult
from sessions.commands.base import Done
from sessions.commands.calls import CallCommand
from sessions.commands.channels import ChannelCommand, ChannelResult
from sessions.commands.files import FileCommand, FileResult
from sessions.commands.groups import GroupCommand, GroupResult
from sessions.commands.linking import LinkingCommand, LinkingResult
from sessions.commands.messages import MessageCommand, MessageResult
from sessions.commands.people import PeopleCommand, PeopleResult
from sessions.commands.presence import PresenceCommand

AnyCommand = (
    MessageCommand  # one area a line
    | FileCommand
    | PresenceCommand
    | PeopleCommand
    | GroupCommand
    | LinkingCommand
    | AccountCommand
    | CallCommand
    | ChannelCommand
)

AnyResult = (
    Done  # one area a line
    | MessageResult
    | FileResult
    | PeopleResult
    | GroupResult
    | LinkingResult
    | AccountResult
    | ChannelResult
)
