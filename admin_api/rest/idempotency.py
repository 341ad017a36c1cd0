"""`Idempotency-Key`: a request that is sent again is answered as the first time, since the answer was stored in the transaction of its change."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, StringConstraints

from admin_api.publishing.service import AnswerFor, Head, PermissionService, StoredAnswer
from admin_api.rest.endpoints import Endpoints, answer
from admin_api.rest.preconditions import entity_tag
from admin_api.rest.problems import IDEMPOTENCY_MISMATCH, STALE_VERSION, UNAVAILABLE, ProblemError

IdempotencyKey = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")] | None

LIFETIME_SECONDS = 24 * 3600

REPLAYED = {"Idempotency-Replayed": "true"}


@dataclass(frozen=True, slots=True)
class Replay:
    """One request with a key, or without: then nothing is stored. A key belongs to one caller, method, path, query and body."""

    service: PermissionService
    api: str
    key: str | None
    fingerprint: str
    now: float
    flush: Callable[[str], tuple[str, ...]] | None = None

    @classmethod
    def of(cls, endpoints: Endpoints, api: str, key: str | None, *, dry_run: bool) -> "Replay":
        """Return the request that is being served. A dry run changes nothing, so there is nothing to keep it from doing twice."""
        event = endpoints.event
        said = [
            endpoints.actor.subject,
            event["httpMethod"],
            event["path"],
            event.get("multiValueQueryStringParameters") or {},
            event.get("body"),
        ]
        fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        flush = endpoints.flush if endpoints.flush_on_publish else None
        return cls(endpoints.service, api, None if dry_run else key, fingerprint, endpoints.now(), flush)

    def stored(self) -> "Response[Any] | None":
        """Return the answer of the first time. Raises `ProblemError` if the key belongs to another request."""
        known = None if self.key is None else self.service.stored_answer(self.api, self.key)
        if known is None:
            return None
        if known.fingerprint != self.fingerprint:
            raise ProblemError(
                IDEMPOTENCY_MISMATCH, f"`Idempotency-Key` {self.key} was sent with another request before: make up a new one"
            )
        said = json.loads(known.text)
        if self.flush is not None and said["body"]["changed"]:
            # Whoever sends it again may never have come to this.
            said["body"]["flushed"] = list(self.flush(self.api))
        return answer(said["body"], status=said["status"], headers={"ETag": said["etag"]} | REPLAYED)

    def answer_for(self, result_for: Callable[[Head], BaseModel]) -> AnswerFor | None:
        """Return what the store shall keep with the change: the result that `result_for` gives for its version. None without a key."""
        if self.key is None:
            return None
        key = self.key

        def store(head: Head) -> StoredAnswer:
            said = {"status": 200, "etag": entity_tag(head), "body": result_for(head).model_dump(mode="json")}
            return StoredAnswer(key, self.fingerprint, json.dumps(said), int(self.now) + LIFETIME_SECONDS)

        return store

    def carry_out(self, write: "Callable[[], Response[Any]]") -> "Response[Any]":
        """Do it. Of two at once one does it, and the other, which finds the version stale or nothing left to do, gets its answer."""
        try:
            return write()
        except ProblemError as error:
            known = self.stored() if error.type in (STALE_VERSION, UNAVAILABLE) else None
            if known is None:
                raise
            return known
