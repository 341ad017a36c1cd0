"""Whether the table holds a document for the API, and a history that bears it out."""

import pytest

from admin_api.doctor.deployment import Deployment, Unread
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.stored_permissions import altered_history, nothing_published
from tests.support.deployments import environment, published, sound_function, sound_http, sound_rest


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_rest(published=None, function=None),
        sound_rest(published=None, parameters=None),
        sound_rest(published=None, function=sound_function(environment=environment(API=""))),
        sound_rest(published=None, unread=(Unread("document", "denied", "dynamodb:GetItem"),)),
        sound_rest(published=None, unread=(Unread("document", "denied", "dynamodb:Query on the table"),)),
    ],
)
def test_nothing_is_said_of_a_document_that_is_there_or_was_not_read(deployment: Deployment) -> None:
    assert list(nothing_published(deployment)) == []


@pytest.mark.parametrize(
    "deployment", [sound_rest(published=None), sound_rest(published=None, unread=(Unread("policy", "denied", "lambda:GetPolicy"),))]
)
def test_without_a_document_everybody_gets_500(deployment: Deployment) -> None:
    assert list(nothing_published(deployment)) == [
        Finding(
            Severity.ERROR,
            "table permissions",
            "it holds no document for `API` `petstore`, so that every request is answered with 500",
            "publish one: `gatebook apply FILE --table permissions`, with `api: petstore` in the file",
        )
    ]


def test_nothing_is_said_of_a_history_that_bears_out_what_is_there() -> None:
    assert [*altered_history(sound_rest()), *altered_history(sound_http()), *altered_history(sound_rest(published=None))] == []


def test_each_damage_is_an_error_with_the_command_that_names_all() -> None:
    found = list(altered_history(sound_rest(published=published(None, 3, "version 2 was altered", "row group/guest was altered"))))
    assert [f.message.partition(":")[0] for f in found] == ["version 2 was altered", "row group/guest was altered"]
    assert {(f.severity, f.about) for f in found} == {(Severity.ERROR, "document petstore")}
    assert all("`gatebook log petstore --verify`" in f.remedy for f in found)
