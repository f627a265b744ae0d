"""What can be wrong with schedules."""

from __future__ import annotations

from gateway.kit.errors import ConflictError, FieldError, InvalidError, NotFoundError


class RuleError(ValueError):
    """A rule cannot be read or never comes up. The sentence says why; callers learn it as a field of their request."""

    def __init__(self, problem: str, *, refusal: str = "schedule_rule_invalid") -> None:
        super().__init__(problem)
        self.problem = problem
        self.refusal = refusal


class ScheduleRefusedError(InvalidError):
    default_code = "schedule_rule_invalid"
    title = "The rule of the schedule cannot be used"

    @classmethod
    def of(cls, problem: str, *, field: str, code: str | None = None) -> ScheduleRefusedError:
        """The refusal of one field."""
        return cls(problem, code=code, fields=(FieldError(path=field, problem=problem),))


class ScheduleNeverFiresError(ScheduleRefusedError):
    default_code = "schedule_never_fires"
    title = "The rule of the schedule never comes up"


class ScheduleTooFrequentError(ScheduleRefusedError):
    default_code = "schedule_too_frequent"
    title = "A schedule comes up once a minute at most"


class ScheduleNotFoundError(NotFoundError):
    default_code = "schedule_not_found"
    title = "There is no such schedule"


class ScheduleEndedError(ConflictError):
    default_code = "schedule_ended"
    title = "The schedule has ended"


class ScheduleChangedError(ConflictError):
    default_code = "schedule_changed"
    title = "The schedule was changed by somebody else meanwhile; read it again"


def refused(error: RuleError, *, field: str) -> ScheduleRefusedError:
    """A rule's problem as the answer to a request."""
    for kind in (ScheduleNeverFiresError, ScheduleTooFrequentError):
        if error.refusal == kind.default_code:
            return kind.of(error.problem, field=field)
    return ScheduleRefusedError.of(error.problem, field=field)
