"""What a program written for the Cloud API is told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.fields import MediaId, MessageId


class RecipientOut(BaseModel):
    model_config = ConfigDict(title="CloudRecipient")

    input: str = Field(description="As it was given in `to`.")
    wa_id: str = Field(description="The digits of the number; of a group its address.", examples=["4915112345678"])


class AcceptedOut(BaseModel):
    model_config = ConfigDict(title="CloudAccepted")

    id: MessageId


class CloudAnswer(BaseModel):
    """A message was accepted, or, with `success` alone, marked as read."""

    messaging_product: Literal["whatsapp"] | None = None
    contacts: list[RecipientOut] | None = None
    messages: list[AcceptedOut] | None = None
    success: bool | None = None


class SuccessOut(BaseModel):
    model_config = ConfigDict(title="CloudSuccess")

    success: bool


class UploadedOut(BaseModel):
    model_config = ConfigDict(title="CloudUploaded")

    id: MediaId


class CloudMediaOut(BaseModel):
    """One file."""

    model_config = ConfigDict(title="CloudMedia")

    messaging_product: Literal["whatsapp"]
    id: MediaId
    url: str = Field(description="Where the bytes are, for the same key.")
    mime_type: str = Field(examples=["image/jpeg"])
    sha256: str
    file_size: int = Field(description="In bytes.")


class ErrorDataOut(BaseModel):
    messaging_product: Literal["whatsapp"]
    details: str


class GraphErrorDetail(BaseModel):
    message: str = Field(examples=["(#100) Some fields are wrong"])
    type: Literal["OAuthException"]
    code: int = Field(description="A code of Meta's.", examples=[100])
    error_data: ErrorDataOut
    fbtrace_id: str = Field(description="The request's id, as in X-Request-Id.")


class GraphError(BaseModel):
    """What went wrong, in the shape of Meta's Graph API."""

    error: GraphErrorDetail
