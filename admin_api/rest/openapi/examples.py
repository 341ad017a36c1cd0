"""One example of every body that comes or goes, for the OpenAPI document. A test holds each against its schema."""

from typing import Any

_HASH = "17b8c180264a6a81a62aaa1918ce08052e251211c402a2b52548c9a082d039d4"
_PARENT = "f16be3d9f78fbbcbd57e0349d1d3c7bf5eac9e37907a92f6f6443190e4e1246d"
_CHANGE = {
    "subject": "group/guest",
    "route": "GET /pets",
    "before": "nothing",
    "after": "allowed",
    "sentence": "group/guest gains GET /pets",
}
_ENTRY = {
    "kind": "sub",
    "value": "0b5a4c1e-7d52-4d0f-8a53-1f2e3d4c5b6a",
    "place": "sub/0b5a4c1e-7d52-4d0f-8a53-1f2e3d4c5b6a",
    "reason": "lost laptop",
    "author": "jane",
    "version": 8,
    "expires_at": "2030-01-01T00:00:00Z",
    "issued_before": "2026-12-01T00:00:00Z",
    "in_force": True,
}
_DOCUMENT = {"api": "petstore", "routes": ["GET /pets", "POST /pets"], "groups": {"guest": {"allow": ["GET /pets"]}}}
_VERSION = {
    "version": 7,
    "time": "2026-11-25T13:16:05Z",
    "author": "jane",
    "on_behalf_of": None,
    "reason": "guests may look",
    "changes": ["group/guest gains GET /pets"],
    "hash": _HASH,
    "parent_hash": _PARENT,
    "series": None,
    "denylist": None,
}
_DECISION = {
    "decision": True,
    "context": {
        "reason": "allowed",
        "sentence": "GET /pets is allowed by group/guest allow GET /pets",
        "version": 7,
        "determining": ["group/guest allow GET /pets"],
    },
}
_SUBJECT = {"type": "user", "id": "0b5a4c1e-7d52-4d0f-8a53-1f2e3d4c5b6a", "properties": {"groups": ["guest"]}}
_ROUTE = {"type": "route", "id": "/pets", "properties": {"api": "petstore"}}

EXAMPLES: dict[str, Any] = {
    "ApiList": {"apis": [{"name": "petstore", "version": 7, "hash": _HASH}], "next": None},
    "ApiDetail": {
        "name": "petstore",
        "version": 7,
        "hash": _HASH,
        "updated_at": "2026-11-25T13:16:05Z",
        "author": "jane",
        "reason": "guests may look",
        "enforced": ["route"],
        "routes": 2,
        "unfinished": None,
        "writable": True,
    },
    "PermissionDocument": _DOCUMENT,
    "WriteResult": {
        "api": "petstore",
        "base_version": 6,
        "version": 7,
        "hash": _HASH,
        "changed": True,
        "dry_run": False,
        "parts": 1,
        "rows": ["group/guest: changed"],
        "rows_in_all": 1,
        "access": [_CHANGE],
        "access_in_all": 1,
        "token_scope": None,
        "flushed": [],
    },
    "Routes": {"enforced": ["route"], "routes": ["GET /pets", "POST /pets", {"route": "GET /health", "public": True}]},
    "SubjectList": {
        "version": 7,
        "subjects": [{"kind": "group", "name": "guest", "place": "groups/guest", "allows": 1, "denies": 0, "inherits": []}],
        "next": None,
    },
    "Subject": {
        "kind": "scope",
        "name": "pets/read",
        "place": "scopes/~cGV0cy9yZWFk",
        "held": {"inherits": [], "allow": ["GET /pets"], "deny": []},
        "ancestors": [],
    },
    "VersionList": {"versions": [_VERSION], "verified_down_to": 7, "next": "Ng"},
    "VersionDetail": {**_VERSION, "document": _DOCUMENT},
    "Diff": {"from": 6, "to": 7, "access": [_CHANGE]},
    "Matrix": {
        "version": 7,
        "rows": [{"subject": "group/guest", "cells": [{"route": "GET /pets", "access": "allowed"}]}],
        "next": None,
    },
    "AccessList": {
        "version": 7,
        "access": [
            {
                "subject": "group/guest",
                "route": "GET /pets",
                "access": "allowed",
                "permissions": ["group/guest allow GET /pets"],
                "by_everyone": False,
                "delegated": False,
            }
        ],
        "next": None,
    },
    "ExplainRequest": {"method": "POST", "path": "/pets", "groups": ["guest"], "claims": {"sub": "0b5a4c1e-7d52-4d0f-8a53-1f2e3d4c5b6a"}},
    "Explanation": {
        "version": 7,
        "allowed": False,
        "reason": "implicit_deny",
        "sentence": "POST /pets is denied: nothing that everyone and group/guest has allows POST /pets",
        "route": "POST /pets",
        "parameters": {},
        "determining": [],
        "unknown": [],
        "near_misses": [{"kind": "other_subject", "message": "would be allowed by group/owner"}],
        "more_subjects": 0,
        "suggested_grant": {"subject": "group/guest", "entry": "POST /pets", "note": "it goes to all that have group/guest"},
        "why_no_grant": None,
        "delegation": None,
    },
    "DenylistRequest": {"reason": "lost laptop", "expires_at": "2030-01-01T00:00:00Z", "issued_before": "2026-12-01T00:00:00Z"},
    "Denylist": {"entries": [_ENTRY], "next": None},
    "DenylistEntry": _ENTRY,
    "DenylistResult": {
        "api": "petstore",
        "version": 8,
        "changed": True,
        "dry_run": False,
        "flushed": ["a1b2c3d4e5/prod"],
        "entry": _ENTRY,
    },
    "UserList": {
        "users": [{"name": "jane", "display_name": "Jane Doe", "status": "CONFIRMED", "groups": ["guest", "owner"]}],
        "more": False,
    },
    "EvaluationRequest": {"subject": _SUBJECT, "action": {"name": "GET"}, "resource": _ROUTE},
    "Evaluation": _DECISION,
    "EvaluationsRequest": {"subject": _SUBJECT, "resource": _ROUTE, "evaluations": [{"action": {"name": "GET"}}]},
    "Evaluations": {"evaluations": [_DECISION], "decision": None, "context": None},
}
"""By the name of the schema."""

BODIES: dict[str, Any] = {
    "document": _DOCUMENT,
    "patch": {"groups": {"guest": {"allow": ["GET /pets"]}, "old": None}},
    "routes": {"routes": ["GET /pets"]},
    "subject": {"allow": ["GET /pets"], "deny": []},
}
"""Of bodies that the signature of a route does not name."""

PROBLEMS: dict[str, Any] = {
    "invalid-document": {
        "problems": [
            {"pointer": "/groups/guest/allow/0", "message": "`GET /cats` means no route of the catalogue: add the route under `routes`"}
        ]
    },
    "invalid-request": {"problems": [{"pointer": "/query/limit", "message": "Input should be less than or equal to 200"}]},
    "bad-request": {"problems": [{"pointer": "", "message": "the name `api` stands twice in one object: keep one"}]},
    "stale-version": {"current_version": 7, "changes": ["group/guest gains GET /pets"]},
    "exists": {"current_version": 7},
}
"""What problems of a type have besides the usual."""
