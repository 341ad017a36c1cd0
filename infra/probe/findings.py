"""What the answers to the questions amount to: an outcome each, surprises among them, and the settings that follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.probe.questions import Answer, Outcome, Question


class Verdict(StrEnum):
    """`as known` where a document or a recording says the same, `settled` where none says anything, `differs` where one says otherwise, `surprise` where no row
    foresees the outcome, `unanswered` where the question could not be asked."""

    AS_KNOWN = "as known"
    SETTLED = "settled"
    DIFFERS = "differs"
    SURPRISE = "surprise"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a question in a word, and what it means. `answers` are what came back, for whoever wants to look again."""

    question: Question
    outcome: str
    verdict: Verdict
    means: str
    settings: tuple[str, ...]
    answers: tuple[Answer, ...]

    @property
    def is_as_emulated(self) -> bool:
        """Whether the local stack's emulator is known to do the same."""
        return self.outcome == self.question.emulated


def find(question: Question, answers: Sequence[Answer]) -> Finding:
    """Return what the answers to a question mean."""
    outcome = question.judge(answers)
    foreseen: Outcome | None = question.outcomes.get(outcome)
    if foreseen is None:
        statuses = ", ".join(str(answer.status) for answer in answers)
        return Finding(question, outcome, Verdict.SURPRISE, f"nobody foresaw this (statuses {statuses})", (), tuple(answers))
    verdict = Verdict.SETTLED if not question.known else Verdict.AS_KNOWN if outcome == question.known else Verdict.DIFFERS
    return Finding(question, outcome, verdict, foreseen.means, foreseen.settings, tuple(answers))


def unanswered(question: Question, why: str) -> Finding:
    """Return that a question could not be asked."""
    return Finding(question, "", Verdict.UNANSWERED, why, (), ())


def proposed_settings(findings: Iterable[Finding]) -> Mapping[str, str]:
    """Return the settings that follow from all findings: the careful one where two contradict each other.

    For example `TOKEN_SCOPE_GUARDS` is `1` only where no finding says `0`: one gateway that tells spellings apart is enough to go round a Deny.
    """
    proposed: dict[str, set[str]] = {}
    for finding in findings:
        for setting in finding.settings:
            name, _, value = setting.partition("=")
            proposed.setdefault(name, set()).add(value)
    return {name: _careful(name, values) for name, values in sorted(proposed.items())}


_CAREFUL = {"TOKEN_SCOPE_GUARDS": "0", "EXPIRY_CONDITIONS": "0", "HTTP_API_UNAUTHORIZED": "deny"}
"""The value that wins: it relies on less."""


def _careful(name: str, values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else _CAREFUL[name]
