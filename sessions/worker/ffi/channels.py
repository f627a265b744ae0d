"""Functions of the library about channels."""

from __future__ import annotations

from sessions.worker.ffi.function import Function, Gives, Takes

ACCEPT_TERMS = Function("AcceptTOSNotice", Gives.TEXT, (Takes.TEXT, Takes.TEXT))
CREATE = Function("CreateNewsletter", Gives.MESSAGE, (Takes.DATA,))
FOLLOW = Function("FollowNewsletter", Gives.TEXT, (Takes.DATA,))
UNFOLLOW = Function("UnfollowNewsletter", Gives.TEXT, (Takes.DATA,))
INFO = Function("GetNewsletterInfo", Gives.MESSAGE, (Takes.DATA,))
INFO_OF_INVITE = Function("GetNewsletterInfoWithInvite", Gives.MESSAGE, (Takes.TEXT,))
FOLLOWED = Function("GetSubscribedNewsletters", Gives.MESSAGE)
MESSAGES = Function("GetNewsletterMessages", Gives.MESSAGE, (Takes.DATA, Takes.NUMBER, Takes.NUMBER))
MARK_VIEWED = Function("NewsletterMarkViewed", Gives.TEXT, (Takes.DATA, Takes.DATA))
REACT = Function("NewsletterSendReaction", Gives.TEXT, (Takes.DATA, Takes.NUMBER, Takes.TEXT, Takes.TEXT))
WATCH = Function("NewsletterSubscribeLiveUpdates", Gives.MESSAGE, (Takes.DATA,))
TOGGLE_MUTE = Function("NewsletterToggleMute", Gives.TEXT, (Takes.DATA, Takes.FLAG))

FUNCTIONS = (
    ACCEPT_TERMS,
    CREATE,
    FOLLOW,
    UNFOLLOW,
    INFO,
    INFO_OF_INVITE,
    FOLLOWED,
    MESSAGES,
    MARK_VIEWED,
    REACT,
    WATCH,
    TOGGLE_MUTE,
)
