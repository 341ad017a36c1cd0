"""What is done through the admin API happens to the guarded API: an edit and its undoing, the kill switch and its delay."""

import json
import sys
import threading
import time
from collections.abc import Callable

import pytest

from tests.support.local_stack import Answer, LocalStack, until
from tests.support.unverified import claims_of

pytestmark = pytest.mark.stack

PETSTORE = "/v1/apis/petstore"
GUEST = f"{PETSTORE}/subjects/groups/guest"
OWN = "/v1/apis/gatebook-admin"
ENTRY = {"reason": "laptop stolen", "expires_at": "2099-01-01T00:00:00Z"}

Report = Callable[[str], None]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Prints a measurement past pytest's capturing."""

    def write(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return write


@pytest.mark.parametrize("api", ["rest_request", "rest_token"])
def test_an_edit_takes_effect_and_is_undone_by_rollback(stack: LocalStack, tokens: dict[str, str], api: str, report: Report) -> None:
    def delete() -> Answer:
        return stack.send(api, "DELETE", "/pets/7", tokens["guest"])

    # An admin of the petstore alone can do all of it.
    author = tokens["petadmin"]
    read = stack.send("admin", "GET", GUEST, author)
    etag, held = read.headers["etag"], read.json["held"]
    version = int(etag.strip('"').split("-")[0])
    assert delete().status == 403
    assert stack.send("admin", "PUT", GUEST, author, held, {}).status == 428
    changed = held | {"allow": [*held["allow"], "DELETE /pets/{petId}"]}
    written = stack.send("admin", "PUT", f"{GUEST}?reason=on%20trial", author, changed, {"If-Match": etag})
    assert (written.status, written.json["version"]) == (200, version + 1)
    assert [change["sentence"] for change in written.json["access"]] == [
        "group/guest gains DELETE /pets/{petId}",
        "group/owner gains DELETE /pets/{petId}",
    ]
    _, seconds = until(200, delete)
    report(f"{api}: an edit took effect {seconds:.2f} s after the answer to PUT")
    stale = stack.send("admin", "PUT", GUEST, author, held, {"If-Match": etag})
    assert (stale.status, stale.json["type"], stale.json["current_version"]) == (412, "urn:gatebook:problem:stale-version", version + 1)
    undo = {"If-Match": written.headers["etag"], "Idempotency-Key": f"undo-{api}-{version}"}
    first, again = (stack.send("admin", "POST", f"{PETSTORE}/versions/{version}/rollback", author, headers=undo) for _ in range(2))
    assert (first.status, first.json["version"]) == (200, version + 2)
    assert (again.status, again.json, again.headers["idempotency-replayed"]) == (200, first.json, "true")
    until(403, delete)
    newest, before = json.loads(stack.gatebook("log", "petstore", "--json", "-n", "2").stdout)
    assert [entry["author"] for entry in (newest, before)] == [claims_of(author)["sub"]] * 2
    assert (before["reason"], newest["parent_hash"]) == ("on trial", before["hash"])


def test_the_kill_switch_refuses_a_user_within_the_refresh_interval(stack: LocalStack, tokens: dict[str, str], report: Report) -> None:
    token = stack.new_user("leaver", "guest")
    entry = f"{PETSTORE}/denylist/sub/{claims_of(token)['sub']}"

    def calls(api: str) -> Callable[[], Answer]:
        return lambda: stack.send(api, "GET", "/pets/7", token)

    for api in ("rest_request", "rest_token"):
        assert calls(api)().status == 200
    denied = stack.send("admin", "PUT", entry, tokens["admin"], ENTRY)
    assert (denied.status, denied.json["entry"]["in_force"]) == (200, True)
    started = time.monotonic()
    for api in ("rest_request", "rest_token"):
        until(401, calls(api))
        report(f"{api}: a denylisted user was refused {time.monotonic() - started:.2f} s after the answer to PUT")
    # Others go on as before.
    assert stack.send("rest_request", "GET", "/pets/7", tokens["guest"]).status == 200
    shown = stack.send("admin", "GET", entry, tokens["auditor"]).json
    assert (shown["reason"], shown["author"]) == ("laptop stolen", claims_of(tokens["admin"])["sub"])
    assert stack.send("admin", "DELETE", entry, tokens["admin"]).status == 200
    for api in ("rest_request", "rest_token"):
        until(200, calls(api))


def test_a_denylisted_admin_loses_the_admin_api_and_cannot_undo_that(stack: LocalStack, tokens: dict[str, str]) -> None:
    token = stack.new_user("rogue", "gatebook-admins")
    entry = f"{OWN}/denylist/sub/{claims_of(token)['sub']}"

    def read() -> Answer:
        return stack.send("admin", "GET", "/v1/apis", token)

    assert read().status == 200
    assert stack.send("admin", "PUT", entry, tokens["admin"], ENTRY).status == 200
    until(401, read)
    assert stack.send("admin", "DELETE", entry, token).status == 401
    assert stack.send("admin", "GET", "/v1/apis", tokens["admin"]).status == 200
    assert stack.send("admin", "DELETE", entry, tokens["admin"]).status == 200
    until(200, read)


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_no_admin_can_shut_admins_out(stack: LocalStack, tokens: dict[str, str], query: str) -> None:
    me = claims_of(tokens["admin"])["sub"]
    attempts = [
        ("PUT", f"{OWN}/denylist/sub/{me}{query}", ENTRY),
        ("DELETE", f"{OWN}/subjects/groups/gatebook-admins{query}", None),
        ("PUT", f"{OWN}/subjects/groups/gatebook-admins{query}", {"allow": [{"route": "* /**", "until": "2099-01-01T00:00:00Z"}]}),
    ]
    before = stack.send("admin", "GET", OWN, tokens["admin"]).headers["etag"]
    for method, path, body in attempts:
        answer = stack.send("admin", method, path, tokens["admin"], body, {"If-Match": "*"})
        assert (answer.status, answer.json["type"]) == (409, "urn:gatebook:problem:lock-out"), path
    assert stack.send("admin", "GET", OWN, tokens["admin"]).headers["etag"] == before


@pytest.mark.parametrize("writers", [2, 8])
def test_of_all_who_create_one_document_at_once_one_does(stack: LocalStack, tokens: dict[str, str], writers: int) -> None:
    path, answers = f"/v1/apis/race-{writers}/document", dict[int, Answer]()
    gate = threading.Barrier(writers)

    def create(number: int) -> None:
        document = {"api": f"race-{writers}", "routes": ["GET /pets"], "groups": {f"writer-{number}": {"allow": ["GET /pets"]}}}
        gate.wait()
        answers[number] = stack.send("admin", "PUT", path, tokens["admin"], document, {"If-None-Match": "*"})

    threads = [threading.Thread(target=create, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [number for number, answer in answers.items() if answer.status == 201]
    assert {answer.status for number, answer in answers.items() if number != winner} == {412}
    read = stack.send("admin", "GET", path, tokens["admin"])
    assert list(read.json["groups"]) == [f"writer-{winner}"]
    assert read.headers["etag"] == answers[winner].headers["etag"]
