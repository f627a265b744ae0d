"""Functions of the library about the linked account and about what people tell of themselves."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

USER_INFO = Function("GetUserInfo", Gives.MESSAGE, (Takes.DATA,))
SET_PUSH_NAME = Function("SetPushName", Gives.TEXT, (Takes.TEXT,))
SET_STATUS_MESSAGE = Function("SetStatusMessage", Gives.TEXT, (Takes.TEXT,))
SET_PROFILE_PHOTO = Function("SetProfilePhoto", Gives.MESSAGE, (Takes.DATA,))
PRIVACY_SETTINGS = Function("GetPrivacySettings", Gives.MESSAGE)
SET_PRIVACY_SETTING = Function("SetPrivacySetting", Gives.MESSAGE, (Takes.TEXT, Takes.TEXT))
BLOCKLIST = Function("GetBlocklist", Gives.MESSAGE)
UPDATE_BLOCKLIST = Function("UpdateBlocklist", Gives.MESSAGE, (Takes.DATA, Takes.TEXT))
REJECT_CALL = Function("RejectCall", Gives.TEXT, (Takes.DATA, Takes.TEXT))

FUNCTIONS = (
    USER_INFO,
    SET_PUSH_NAME,
    SET_STATUS_MESSAGE,
    SET_PROFILE_PHOTO,
    PRIVACY_SETTINGS,
    SET_PRIVACY_SETTING,
    BLOCKLIST,
    UPDATE_BLOCKLIST,
    REJECT_CALL,
)
