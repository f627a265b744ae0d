"""How groups look at the edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.paging import PageQuery
from sessions.groups import MemberAction

_CHANGED = "What shall be different; what is left out stays as it is."
MOST_PEOPLE = 256


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PersonOut(BaseModel):
    """Somebody, under every name we know."""

    contact: str = Field(examples=["con_0dq1m8k3v2a7c"])
    name: str | None
    phone: str | None
    lid: str | None


class ParticipantOut(PersonOut):
    role: Literal["member", "admin", "superadmin"]


class GroupOut(BaseModel):
    """One group, as one session knows it. Its id is that of its chat: messages go there."""

    id: str = Field(examples=["cht_0dq1m8k3v2a7c"])
    session: str
    jid: str = Field(examples=["120363000000000001@g.us"])
    subject: str
    description: str
    owner: str | None
    announce: bool = Field(description="Only admins may write.")
    locked: bool = Field(description="Only admins may change name, description and picture.")
    ephemeral_seconds: int = Field(description="Messages disappear after so long; 0: they stay.")
    is_community: bool
    is_announcements: bool = Field(description="The group of its community in which members are told things.")
    community: str | None = Field(description="The address of the community it belongs to.")
    size: int
    is_member: bool
    left_reason: str | None = Field(description="`left`, `removed`, `deleted` or `gone`.")
    created_at: str | None = Field(description="On WhatsApp, give or take a minute.")
    updated_at: str


class GroupDetail(GroupOut):
    """A group with its members."""

    participants: list[ParticipantOut]


class CreatedGroup(GroupDetail):
    """A new group, and who could not be added."""

    not_added: list[str] = Field(description="Those of the request who are not in it, as they were given.")


class GroupPage(BaseModel):
    items: list[GroupOut]
    next: str | None


class GroupQuery(PageQuery):
    session: str | None = Field(None, max_length=100, description="A session's id or name.")
    left: bool = Field(False, description="Also groups that the account has left.")


class GroupIn(_Body):
    """A group or a community to make. Participants are numbers, contacts or addresses."""

    session: str = Field(min_length=1, max_length=100, description="A session's id or name.")
    subject: str = Field(min_length=1, max_length=100)
    participants: list[str] = Field(default=[], max_length=MOST_PEOPLE)
    description: str | None = Field(None, max_length=2048)
    is_community: bool = False
    community: str | None = Field(None, description="The community to put it into: a chat's id or an address.")


class GroupChangeIn(_Body):
    __doc__ = _CHANGED

    subject: str | None = Field(None, min_length=1, max_length=100)
    description: str | None = Field(None, max_length=2048, description="Empty removes it.")
    announce: bool | None = None
    locked: bool | None = None
    ephemeral_seconds: Literal[0, 86400, 604800, 7776000] | None = None
    member_add_mode: Literal["admins", "everybody"] | None = Field(None, description="The engine cannot do this: 501.")
    join_approval: bool | None = Field(None, description="The engine cannot do this: 501.")


class PictureIn(_Body):
    """A JPEG that was uploaded before."""

    media_id: str = Field(examples=["med_0dq1m8k3v2a7c"])


class PeopleIn(_Body):
    """Who, and what shall become of them. Participants are numbers, contacts or addresses."""

    action: MemberAction
    participants: list[str] = Field(min_length=1, max_length=MOST_PEOPLE)


class InvitationOut(BaseModel):
    """With this the person can come by themselves; it is good for a few days."""

    code: str
    expires_at: str


class OutcomeOut(BaseModel):
    """What became of one person."""

    participant: str = Field(description="As it was given.")
    contact: str | None
    phone: str | None
    lid: str | None
    ok: bool
    code: int = Field(description="WhatsApp's own code; 200 where it worked.")
    detail: str | None = Field(description="What the code means, in a sentence.")
    invitation: InvitationOut | None


class OutcomesOut(BaseModel):
    results: list[OutcomeOut]


class InviteOut(BaseModel):
    link: str = Field(examples=["https://chat.whatsapp.com/Ab12Cd34Ef56"])


class InvitePreview(BaseModel):
    """Where an invite link leads."""

    jid: str
    subject: str
    description: str
    is_community: bool
    community: str | None


class JoinIn(_Body):
    session: str = Field(min_length=1, max_length=100, description="A session's id or name.")
    invite: str = Field(min_length=4, max_length=200, description="The link, or its code.")


class JoinOut(BaseModel):
    """``requested``: an admin of the group has to let the account in first."""

    status: Literal["joined", "requested"]
    jid: str
    group: GroupDetail | None


class JoinRequestOut(PersonOut):
    asked_at: str


class JoinRequestsOut(BaseModel):
    items: list[JoinRequestOut]


class AnswerIn(_Body):
    action: Literal["approve", "reject"]
    participants: list[str] = Field(min_length=1, max_length=MOST_PEOPLE)


class SubGroupOut(BaseModel):
    jid: str
    subject: str
    is_announcements: bool
    group: str | None = Field(description="The id of its chat, where the account is in it.")


class SubGroupsOut(BaseModel):
    items: list[SubGroupOut]


class LinkIn(_Body):
    group: str = Field(min_length=1, max_length=100, description="A chat's id or an address.")
