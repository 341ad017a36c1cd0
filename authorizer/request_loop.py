"""The request loop: read the event, authorize, write the answer, and leave one log line with its metrics.

It is no part of `authorizer.handler`, since importing that one reads the environment.
"""

from collections.abc import Callable, Mapping
from typing import Any

from authorizer import events
from authorizer.answering import decide_again
from authorizer.authorize import Authorizer
from authorizer.errors import TokenError
from authorizer.events.token_places import TokenPlaces
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.request_log import RequestLog, request_ids
from authorizer.shadow import Shadow

Handler = Callable[[Mapping[str, Any], object], events.Response]
Refuse = Callable[[AuthorizationRequest, TokenError], Answer | None]
"""Answers a request with a bad token, or returns None to have an exception raised."""


class UnauthorizedError(Exception):
    """Makes API Gateway answer 401: the message is exactly the word that it looks for ("Use API Gateway Lambda authorizers", developer guide)."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def request_loop(
    authorizer: Authorizer,
    shadow: Shadow | None,
    log: RequestLog,
    now: Callable[[], float],
    *,
    places: TokenPlaces,
    refuse: Refuse | None,
) -> Handler:
    """Return the Lambda handler, which looks for tokens in these places and may `refuse` bad ones.

    It raises `UnauthorizedError` for the caller's mistakes and passes on whatever else goes wrong.
    """

    def handler(event: Mapping[str, Any], context: object) -> events.Response:
        log.begin()
        ids = request_ids(event, context)
        read: AuthorizationRequest | None = None
        try:
            request = read = events.read_request(event, places)
            outcome = authorizer.authorize(request)
            response = events.write_response(request, outcome.answer)
        except TokenError as error:
            log.unauthorized(error, ids)
            refusal = refuse(request, error) if refuse is not None else None
            if refusal is None:
                raise UnauthorizedError from None
            return events.write_response(request, refusal)
        except Exception as error:
            # Whatever it is, it ends as 500, which API Gateway does not cache. It never becomes an answer.
            log.trouble(error, ids, None if read is None else read.format)
            raise
        else:
            log.decided(outcome, ids, stale_keys=authorizer.has_stale_keys(outcome.principal), head_age=authorizer.head_age)
            if shadow is not None:
                principal = outcome.principal
                judgement = shadow.judge(principal.refs, principal.consent, lambda loaded: decide_again(request, outcome, loaded, now()))
                log.compared(outcome, ids, judgement)
            return response
        finally:
            log.flush()

    return handler
