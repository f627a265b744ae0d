"""Functions of the library about groups and communities."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

JOINED_GROUPS = Function("GetJoinedGroups", Gives.MESSAGE)
GROUP_INFO = Function("GetGroupInfo", Gives.MESSAGE, (Takes.DATA,))
CREATE_GROUP = Function("CreateGroup", Gives.MESSAGE, (Takes.DATA,))
SET_NAME = Function("SetGroupName", Gives.TEXT, (Takes.DATA, Takes.TEXT))
SET_TOPIC = Function("SetGroupTopic", Gives.TEXT, (Takes.DATA, Takes.TEXT, Takes.TEXT, Takes.TEXT))
SET_ANNOUNCE = Function("SetGroupAnnounce", Gives.TEXT, (Takes.DATA, Takes.FLAG))
SET_LOCKED = Function("SetGroupLocked", Gives.TEXT, (Takes.DATA, Takes.FLAG))
SET_TIMER = Function("SetDisappearingTimer", Gives.TEXT, (Takes.DATA, Takes.LONG, Takes.LONG))
SET_PHOTO = Function("SetGroupPhoto", Gives.MESSAGE, (Takes.DATA, Takes.DATA))
UPDATE_PARTICIPANTS = Function("UpdateGroupParticipants", Gives.MESSAGE, (Takes.DATA, Takes.DATA, Takes.TEXT))
INVITE_LINK = Function("GetGroupInviteLink", Gives.MESSAGE, (Takes.DATA, Takes.FLAG))
INFO_FROM_LINK = Function("GetGroupInfoFromLink", Gives.MESSAGE, (Takes.TEXT,))
JOIN_WITH_LINK = Function("JoinGroupWithLink", Gives.MESSAGE, (Takes.TEXT,))
LEAVE = Function("LeaveGroup", Gives.TEXT, (Takes.DATA,))
REQUESTS = Function("GetGroupRequestParticipants", Gives.MESSAGE, (Takes.DATA,))
LINK = Function("LinkGroup", Gives.TEXT, (Takes.DATA, Takes.DATA))
UNLINK = Function("UnlinkGroup", Gives.TEXT, (Takes.DATA, Takes.DATA))
SUB_GROUPS = Function("GetSubGroups", Gives.MESSAGE, (Takes.DATA,))

FUNCTIONS = (
    *(JOINED_GROUPS, GROUP_INFO, CREATE_GROUP, LEAVE, REQUESTS),
    *(SET_NAME, SET_TOPIC, SET_ANNOUNCE, SET_LOCKED, SET_TIMER, SET_PHOTO, UPDATE_PARTICIPANTS),
    *(INVITE_LINK, INFO_FROM_LINK, JOIN_WITH_LINK, LINK, UNLINK, SUB_GROUPS),
)
