"""The route that looks people up in the user pool."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.problems import DAMAGED, INVALID_REQUEST, NO_USERS, USERS_REFUSED, ProblemError
from admin_api.schemas import models, presenters
from authorizer.policy.problems import Problem

Beginning = Annotated[models.Name | None, Query(description="The beginning of a user name, a preferred user name or an email")]
Sub = Annotated[models.Name | None, Query(description="The `sub` of the user's tokens")]


def register(endpoints: Endpoints) -> None:
    """Add this route."""

    @endpoints.add(
        "GET",
        "/v1/users",
        Meta("Users whose name begins with a text, and their groups", "users", (NO_USERS, USERS_REFUSED), tagged=False, never=(DAMAGED,)),
    )
    def find_users(begins_with: Beginning = None, sub: Sub = None) -> Response[models.UserList]:
        """Nothing at DynamoDB. ListUsers once to three times, and AdminListGroupsForUser for each user found."""
        if endpoints.users is None:
            detail = "this admin API looks no users up: deploy it with the parameter `UserDirectory=true`, or name the groups yourself"
            raise ProblemError(NO_USERS, detail)
        if begins_with and not sub:
            found = endpoints.users.beginning_with(begins_with, endpoints.limit.check)
        elif sub and not begins_with:
            found = endpoints.users.with_sub(sub, endpoints.limit.check)
        else:
            message = "ask for `begins_with` or for `sub`"
            raise ProblemError(INVALID_REQUEST, message, [Problem("/query", message)])
        return answer(presenters.found_users(found))
