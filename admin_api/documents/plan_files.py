"""Plans that are kept in a file: what was looked at, and what shall be published in its place, so that what is applied is what was reviewed."""

import json
from dataclasses import dataclass
from typing import Any

from admin_api.documents.files import FileDocument
from authorizer.policy.document import PermissionDocument, format_document, parse_document
from authorizer.policy.problems import DocumentError, Problem, child

FORMAT = 1

_NOT_A_PLAN = "this is no plan of this release: write it again with `gatebook plan --out`"


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """One document to publish in place of a version; `version` is 0 and `hash` empty if nothing was published."""

    document: PermissionDocument
    version: int
    hash: str


def is_plan(source: FileDocument) -> bool:
    """Return whether a document of a file is a kept plan, not a permission document."""
    return isinstance(source.value, dict) and "gatebook_plan" in source.value


def write_plans(plans: list[KeptPlan]) -> str:
    """Return the text of the file."""
    entries = [{"base": {"version": plan.version, "hash": plan.hash}, "document": format_document(plan.document)} for plan in plans]
    return json.dumps({"gatebook_plan": FORMAT, "plans": entries}, indent=2, ensure_ascii=False) + "\n"


def read_plans(source: FileDocument) -> list[KeptPlan]:
    """Return the plans of a file. Raises `DocumentError`."""
    value: Any = source.value
    if source.problems:
        raise DocumentError(source.problems)
    try:
        if value["gatebook_plan"] != FORMAT:
            raise ValueError(value)
        entries = [(entry["document"], entry["base"]["version"], entry["base"]["hash"]) for entry in value["plans"]]
        if not all(isinstance(version, int) and isinstance(hash_, str) for _, version, hash_ in entries):
            raise ValueError(value)
    except (KeyError, TypeError, ValueError):
        raise DocumentError([Problem("", _NOT_A_PLAN)]) from None
    plans = []
    for number, (fields, version, hash_) in enumerate(entries):
        try:
            plans.append(KeptPlan(parse_document(fields), version, hash_))
        except DocumentError as error:
            place = child(child("", "plans"), number) + "/document"
            raise DocumentError([Problem(place + p.pointer, p.message) for p in error.problems]) from None
    return plans
