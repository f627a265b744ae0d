"""Functions of the library about people: numbers, names and pictures."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

IS_ON_WHATSAPP = Function("IsOnWhatsApp", Gives.MESSAGE, (Takes.TEXT,))
LID_FROM_PN = Function("GetLIDFromPN", Gives.MESSAGE, (Takes.DATA,))
PN_FROM_LID = Function("GetPNFromLID", Gives.MESSAGE, (Takes.DATA,))
PROFILE_PICTURE = Function("GetProfilePicture", Gives.MESSAGE, (Takes.DATA, Takes.DATA))

FUNCTIONS = (IS_ON_WHATSAPP, LID_FROM_PN, PN_FROM_LID, PROFILE_PICTURE)
