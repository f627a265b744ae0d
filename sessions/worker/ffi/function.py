"""How a function of the library is written down: its name, what it gives back and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Gives(Enum):
    """What comes back, always handed on as bytes."""

    TEXT = auto()  #: a C string, which is an error or empty where the function has nothing else to say
    MESSAGE = auto()  #: a buffer that holds a protobuf message


class Takes(Enum):
    """One argument as we give it."""

    TEXT = auto()  #: a C string
    DATA = auto()  #: bytes of any kind, for C a pointer and a length
    NUMBER = auto()  #: a C int
    LONG = auto()  #: a C int64_t
    FLAG = auto()  #: a C bool


@dataclass(frozen=True)
class Function:
    """One exported function. Its first argument is always the session and is not written down."""

    name: str
    gives: Gives
    takes: tuple[Takes, ...] = ()
