"""What the tests of publishing publish, and where it stands in the table."""

API = "api#petstore"

ROUTES = "api#petstore#routes"

GUEST = "api#petstore#subject#group/guest"

OWNER = "api#petstore#subject#group/owner"

ADMIN = "api#petstore#subject#group/admin"

V1, V2, V3 = "000000000001", "000000000002", "000000000003"

FIRST = """
api: petstore
routes: [GET /pets, POST /pets]
groups:
  guest: {allow: [GET /pets]}
"""

SECOND = FIRST + "  owner: {inherits: [guest], allow: [POST /pets]}\n"


def many_groups(count: int, allow: str = "GET /pets") -> dict[str, object]:
    return {"api": "petstore", "routes": ["GET /pets"], "groups": {f"group-{n}": {"allow": [allow]} for n in range(count)}}
