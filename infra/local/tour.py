"""The tour at the end of a start: real requests and their real answers, and how to make some more."""

import base64
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.local.calls import Answer, call, call_until, connect
from infra.local.stack import Stack

GRANTED = "DELETE /pets/{petId}"
PETSTORE = "/v1/apis/petstore"
GUEST = f"{PETSTORE}/subjects/groups/guest"


class Tour:
    """Shows, with one API of the stack, what Gatebook does."""

    def __init__(self, console: Console, stack: Stack) -> None:
        self._console = console
        self._stack = stack
        self._api = stack.local["apis"]["rest_request"]
        self._tokens = {name: self._sign_in(name) for name in stack.local["users"]}
        self._own_pets = f"/owners/{unverified_claims(self._tokens['owner'])['sub']}/pets"

    def show(self) -> None:
        """Names the console; then signs in, calls, edits a permission through the admin API, calls again, and undoes the edit."""
        if "console" in self._stack.local:
            self._title("The console: who may do what, in a browser. Sign in as admin, with the password below")
            self._line("open", self._stack.local["console"])
        self._title("Sign in as guest: client id, client secret and password for an access token")
        claims = unverified_claims(self._tokens["guest"])
        self._line("InitiateAuth", f"token for groups {claims.get('cognito:groups', [])}, {claims['exp'] - claims['iat']} s")
        self._title("One token, two routes")
        self._request("guest", "GET", "/pets/7")
        self._request("guest", "DELETE", "/pets/7")
        self._title("No token")
        self._request(None, "GET", "/pets")
        self._title("A route bound to its owner")
        self._request("owner", "GET", self._own_pets)
        self._request("owner2", "GET", self._own_pets)
        self._title("The same permissions before an HTTP API")
        self._line("guest: GET /pets/7", _show(call(self._stack.local["apis"]["http"], "GET", "/pets/7", self._tokens["guest"])))
        self._line("guest: DELETE /pets/7", _show(call(self._stack.local["apis"]["http"], "DELETE", "/pets/7", self._tokens["guest"])))
        self._title("A WebSocket API: who may connect")
        for user in ("guest", "nobody"):
            self._line(f"{user}: connect", _show(connect(self._stack.local["apis"]["websocket"], self._tokens[user])))
        # An edit is shown on permissions that this start has written, never on somebody's own.
        if "petstore" in self._stack.seeded:
            self._edit()

    def instructions(self) -> None:
        """Users, and commands that work when pasted."""
        users = Table("user", "password", "groups", title="Users of this stack", title_justify="left")
        for name, user in self._stack.local["users"].items():
            users.add_row(name, user["password"], ", ".join(user["groups"]) or "(none)")
        self._console.print()
        self._console.print(users)
        self._console.print("\nTry:")
        for label, caller, method, path in (
            ("rest_request", "guest", "GET", "/pets/7"),
            ("rest_token", "guest", "DELETE", "/pets/7"),
            ("http", "guest", "GET", "/pets/7"),
            ("rest_request", "owner", "GET", self._own_pets),
            ("admin", "auditor", "GET", f"{PETSTORE}/access?subject=group/guest"),
        ):
            api = self._stack.local["apis"][label]
            verb = "" if method == "GET" else f"-X {method} "
            host = shlex.quote(f"Host: {api['host_header']}")
            line = f'curl -i {verb}-H "Authorization: Bearer $({_gatebook()} token {caller})" -H {host} {shlex.quote(api["url"] + path)}'
            self._console.print(f"  {line}", markup=False, soft_wrap=True)
        self._console.print(f"  {_gatebook()} plan seed_data/dev.yaml", markup=False, soft_wrap=True)

    def _edit(self) -> None:
        self._title(f"The admin API: what if group guest might {GRANTED}?")
        subject = self._admin("GET", GUEST)
        if subject.status != 200:
            return
        changed = subject.json["held"]
        changed["allow"].append(GRANTED)
        tried = self._admin("PUT", f"{GUEST}?dry_run=true", changed, subject.etag)
        if tried.status != 200:
            return
        for change in tried.json["access"]:
            self._console.print(f"    {change['sentence']}", markup=False, highlight=False)
        self._title("Do it: a new version, made from the one that was read")
        done = self._admin("PUT", GUEST, changed, subject.etag)
        if done.status != 200:
            return
        try:
            self._request_until(200)
            self._explain()
        finally:
            self._title("Undo it: roll back, which is a new version too")
            self._admin("POST", f"{PETSTORE}/versions/{version_of(subject.etag)}/rollback", None, done.etag)
        self._request_until(403)

    def _explain(self) -> None:
        self._title("Why is it allowed?")
        answer = self._admin("POST", f"{PETSTORE}/explain", {"method": "DELETE", "path": "/pets/7", "groups": ["guest"]})
        if answer.status == 200:
            self._console.print(f"    {answer.json['sentence']}", markup=False, highlight=False)

    def _admin(self, method: str, path: str, body: object = None, if_match: str = "") -> Answer:
        answer = call(self._stack.local["apis"]["admin"], method, path, self._tokens["admin"], body, if_match)
        version = f", version {version_of(answer.etag)}" if answer.etag else ""
        self._line(f"admin: {method} {path}", _show(answer) + version)
        return answer

    def _request_until(self, status: int) -> None:
        answer, seconds = call_until(status, lambda: self._call("guest", "DELETE", "/pets/7"))
        self._line("guest: DELETE /pets/7", _show(answer) + f", {seconds:.1f} s later")

    def _request(self, user: str | None, method: str, path: str) -> None:
        self._line(f"{user or '(no token)'}: {method} {path}", _show(self._call(user, method, path)))

    def _call(self, user: str | None, method: str, path: str) -> Answer:
        return call(self._api, method, path, self._tokens[user] if user else None)

    def _sign_in(self, name: str) -> str:
        return self._stack.client.sign_in(name, self._stack.local["users"][name]["password"])

    def _title(self, text: str) -> None:
        self._console.print(f"\n{text}", style="bold", markup=False, highlight=False)

    def _line(self, left: str, right: str) -> None:
        self._console.print(f"  {left:<64} {right}", markup=False, highlight=False, soft_wrap=True)


def version_of(etag: str) -> str:
    """Return the version in an entity tag of the admin API, `"{version}-{hash}"`."""
    return etag.strip('"').partition("-")[0]


def unverified_claims(token: str) -> dict[str, Any]:
    """Return what the token says, for display only."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _show(answer: Answer) -> str:
    return f"{answer.status}" if answer.status == 200 else f"{answer.status} {answer.message}"


def _gatebook() -> str:
    command = Path(sys.executable).parent / "gatebook"
    try:
        return str(command.relative_to(Path.cwd()))
    except ValueError:
        return str(command)
