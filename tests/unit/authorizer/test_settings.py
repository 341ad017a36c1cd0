"""The authorizer's settings: what each means when it is left out, and that one message names everything that is wrong."""

import json
from typing import Any

import pytest

from authorizer.errors import SettingsError
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace
from authorizer.policy.cache_scope import CacheScope
from authorizer.settings import NAMES, Settings, reaches_aws_itself, read_settings
from authorizer.tokens.claims import TrustedIssuer

POOL = "eu-west-1_AbCdEfGhI"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
NEEDED = {"PERMISSIONS_TABLE": "gatebook", "API": "petstore", "USER_POOL_ID": POOL, "APP_CLIENT_IDS": "client-1"}
PARTNER = {
    "name": "partner",
    "issuer": "https://id.partner.example",
    "jwks_uri": "https://id.partner.example/keys",
    "client_ids": ["shop"],
}
NOBODY = {"USER_POOL_ID": None, "APP_CLIENT_IDS": None}


def environment(**changes: str | None) -> dict[str, str]:
    """What is needed, with changes; None takes a setting out."""
    return {name: value for name, value in (NEEDED | changes).items() if value is not None}


def read(**changes: str | None) -> Settings:
    return read_settings(environment(**changes))


def problems(**changes: str | None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**changes)
    return caught.value.problems


ISSUER_FIELDS = (
    *("name", "issuer", "jwks_uri", "client_ids", "audience", "token_use", "groups_claim", "client_claim"),
    *("machine", "algorithms", "binding_claims"),
)
NO_NAME = "`name` must be 1 to 32 letters, digits, `_` or `-`: only the pool of `USER_POOL_ID` goes without"


def listed(*entries: dict[str, Any]) -> str:
    return json.dumps(entries)


def test_what_is_left_out_has_its_default() -> None:
    assert read() == Settings(
        table="gatebook",
        api="petstore",
        issuers=(
            TrustedIssuer(
                name="",
                issuer=ISSUER,
                jwks_uri=f"{ISSUER}/.well-known/jwks.json",
                client_ids=frozenset({"client-1"}),
                audience=frozenset(),
                token_use="access",
                groups_claim="cognito:groups",
                binding_claims=(),
            ),
        ),
        token_from=(TokenPlace(PlaceKind.HEADER, "authorization"),),
        cache_scope=CacheScope.REQUEST,
        token_scope_guards=False,
        expiry_conditions=False,
        simple_responses=False,
        deny_unauthorized=False,
        gateway_ttl=None,
        context_username=False,
        usage_key=False,
        shadow_api="",
        report_only=False,
        log_allowed=1,
        policy_refresh_seconds=10,
        policy_max_stale_seconds=300,
        jwks_max_age_seconds=3600,
        jwks_max_stale_seconds=3600,
    )


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("PERMISSIONS_TABLE", " other ", "table", "other"),
        ("API", "gatebook-admin", "api", "gatebook-admin"),
        ("CACHE_SCOPE", "request", "cache_scope", CacheScope.REQUEST),
        ("CACHE_SCOPE", "route", "cache_scope", CacheScope.ROUTE),
        ("CACHE_SCOPE", "token", "cache_scope", CacheScope.TOKEN),
        ("TOKEN_SCOPE_GUARDS", "0", "token_scope_guards", False),
        ("EXPIRY_CONDITIONS", "1", "expiry_conditions", True),
        ("EXPIRY_CONDITIONS", "0", "expiry_conditions", False),
        ("HTTP_API_RESPONSE", "simple", "simple_responses", True),
        ("HTTP_API_RESPONSE", "iam", "simple_responses", False),
        ("HTTP_API_UNAUTHORIZED", "deny", "deny_unauthorized", True),
        ("HTTP_API_UNAUTHORIZED", "raise", "deny_unauthorized", False),
        ("GATEWAY_TTL", "0", "gateway_ttl", 0),
        ("GATEWAY_TTL", "60", "gateway_ttl", 60),
        ("CONTEXT_USERNAME", "1", "context_username", True),
        ("CONTEXT_USERNAME", "0", "context_username", False),
        ("USAGE_KEY", "client_id", "usage_key", True),
        ("USAGE_KEY", "none", "usage_key", False),
        ("SHADOW_API", "petstore-next", "shadow_api", "petstore-next"),
        ("REPORT_ONLY", "1", "report_only", True),
        ("REPORT_ONLY", "0", "report_only", False),
        ("LOG_ALLOWED", "all", "log_allowed", 1),
        ("LOG_ALLOWED", "none", "log_allowed", 0),
        ("LOG_ALLOWED", "0.1", "log_allowed", 0.1),
        ("LOG_ALLOWED", ".25", "log_allowed", 0.25),
        ("POLICY_REFRESH_SECONDS", "0", "policy_refresh_seconds", 0),
        ("POLICY_REFRESH_SECONDS", "2.5", "policy_refresh_seconds", 2.5),
        ("POLICY_MAX_STALE_SECONDS", "60", "policy_max_stale_seconds", 60),
        ("JWKS_MAX_AGE_SECONDS", "61", "jwks_max_age_seconds", 61),
        ("JWKS_MAX_STALE_SECONDS", "86400", "jwks_max_stale_seconds", 86_400),
    ],
)
def test_what_is_set_is_taken(name: str, text: str, attribute: str, value: object) -> None:
    assert getattr(read(**{name: text}), attribute) == value


def test_guards_mean_something_in_token_scope_only() -> None:
    assert read(TOKEN_SCOPE_GUARDS="1", CACHE_SCOPE="token").token_scope_guards
    [problem] = problems(TOKEN_SCOPE_GUARDS="1", CACHE_SCOPE="route")
    assert "means nothing without `CACHE_SCOPE=token`" in problem


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(NEEDED)))
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_setting_is_one_that_is_left_out(name: str, blank: str) -> None:
    assert read(**{name: blank}) == read()


def test_only_the_given_mapping_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty mapping is a mapping: it must not fall back to the environment."""
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError):
        read_settings({})
    assert read_settings(environment(API="other")).api == "other"


def test_without_a_mapping_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(API="from-the-environment").items():
        monkeypatch.setenv(name, value)
    assert read_settings().api == "from-the-environment"


def test_client_ids_are_separated_by_commas() -> None:
    assert read(APP_CLIENT_IDS=" a, b,,a ,").issuers[0].client_ids == {"a", "b"}


@pytest.mark.parametrize("pool", ["us-gov-west-1_Ab1", "ap-southeast-2_x"])
def test_the_region_of_the_issuer_is_the_pools(pool: str) -> None:
    region = pool.partition("_")[0]
    assert read(USER_POOL_ID=pool).issuers[0].issuer == f"https://cognito-idp.{region}.amazonaws.com/{pool}"


@pytest.mark.parametrize("uri", ["https://keys.example/a.json", "http://127.0.0.1:4566/jwks", "http://localhost/k", "http://[::1]:1/k"])
def test_the_key_set_may_be_elsewhere(uri: str) -> None:
    assert [(i.issuer, i.jwks_uri) for i in read(JWKS_URI=uri).issuers] == [(ISSUER, uri)]


BAD_URIS = [
    *("http://keys.example/jwks", "http://127.0.0.1.evil.example/", "http://localhost@evil.example/", "http://169.254.169.254/"),
    *("ftp://127.0.0.1/", "file:///etc/passwd", "keys.example/jwks", "https://", "https:///jwks", "//keys.example/", "https://[::1"),
    *("https://keys.example:port/", "https://keys.example:99999/", "https://keys.example:0/"),
]


@pytest.mark.parametrize("uri", BAD_URIS)
def test_a_key_set_is_fetched_by_https_or_from_this_host(uri: str) -> None:
    rest = f" is `{uri}`: it must be an https address, or http on a loopback host"
    assert problems(JWKS_URI=uri) == ["`JWKS_URI`" + rest]
    assert problems(TRUSTED_ISSUERS=listed(PARTNER | {"jwks_uri": uri})) == ["`TRUSTED_ISSUERS` entry 0: `jwks_uri`" + rest]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PERMISSIONS_TABLE": None}, "`PERMISSIONS_TABLE` is missing"),
        ({"PERMISSIONS_TABLE": " "}, "`PERMISSIONS_TABLE` is missing"),
        ({"API": None}, "`API` is missing"),
        (NOBODY, "`USER_POOL_ID` is missing, or `TRUSTED_ISSUERS`: nobody's tokens would be accepted"),
        ({"APP_CLIENT_IDS": None}, "`APP_CLIENT_IDS` is missing: name the app clients whose tokens are accepted, comma separated"),
        ({"APP_CLIENT_IDS": " , "}, "`APP_CLIENT_IDS` is missing: name the app clients whose tokens are accepted, comma separated"),
        ({"CACHE_SCOPE": "Route"}, "`CACHE_SCOPE` is `Route`: it may be `request` or `route` or `token`"),
        ({"TOKEN_SCOPE_GUARDS": "true"}, "`TOKEN_SCOPE_GUARDS` is `true`: it may be `0` or `1`"),
        ({"HTTP_API_UNAUTHORIZED": "403"}, "`HTTP_API_UNAUTHORIZED` is `403`: it may be `raise` or `deny`"),
        ({"EXPIRY_CONDITIONS": "yes"}, "`EXPIRY_CONDITIONS` is `yes`: it may be `0` or `1`"),
        ({"TRUSTED_ISSUERS": "[]", **NOBODY}, "`TRUSTED_ISSUERS` is an empty list: name an issuer or take the setting out"),
    ],
)
def test_one_mistake(changes: dict[str, str | None], message: str) -> None:
    assert problems(**changes) == [message]


@pytest.mark.parametrize("text", ["-1", "+1", "1e3", "nan", "inf", "10s", "0x10", "1_000", "12345678", "1.2345", ".5", "5.", "ten", "1,5"])
@pytest.mark.parametrize(
    ("name", "default"),
    [("POLICY_REFRESH_SECONDS", 10), ("POLICY_MAX_STALE_SECONDS", 300), ("JWKS_MAX_AGE_SECONDS", 3600), ("JWKS_MAX_STALE_SECONDS", 3600)],
)
def test_seconds_are_a_plain_number(name: str, default: int, text: str) -> None:
    assert problems(**{name: text}) == [f"`{name}` is `{text}`: it must be seconds, such as `{default}`"]


@pytest.mark.parametrize(
    "pool", ["eu-west-1", "eu-west-1_", "euwest1_Ab", "EU-WEST-1_Ab", "eu-west-1_A.b", "eu-west-1_A/../x", "eu-west-1_A b", "1-2-3_A"]
)
def test_a_pool_id_that_is_none(pool: str) -> None:
    assert problems(USER_POOL_ID=pool) == [f"`USER_POOL_ID` is `{pool}`, which is no id of a user pool such as `eu-west-1_AbCdEfGhI`"]


@pytest.mark.parametrize("name", ["APP_CLIENT_IDS", "JWKS_URI"])
def test_what_belongs_to_a_pool_contradicts_its_absence(name: str) -> None:
    changes = NOBODY | {"TRUSTED_ISSUERS": listed(PARTNER), name: "https://keys.example/jwks"}
    assert problems(**changes) == [f"`{name}` is set without `USER_POOL_ID`, to which it belongs"]


@pytest.mark.parametrize(
    "name",
    [
        *("POLICY_REFRESH_SECOND", "POLICY_MAX_STALE", "JWKS_URL", "JWKS_MAX_AGE", "TRUSTED_ISSUER", "APP_CLIENT_ID"),
        *("CACHE_SCOPES", "TOKEN_SCOPE_GUARD", "EXPIRY_CONDITION", "PERMISSION_TABLE", "USER_POOL"),
    ],
)
def test_a_misspelt_setting_would_silently_be_its_default(name: str) -> None:
    [problem] = problems(**{name: "1"})
    assert problem.startswith(f"`{name}` is no setting: the names are PERMISSIONS_TABLE, API, USER_POOL_ID, ")
    assert all(known in problem for known in NAMES)


@pytest.mark.parametrize("name", ["PATH", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "_HANDLER", "POWERTOOLS_LOG_LEVEL", "LANG", "TZ"])
def test_what_others_set_is_none_of_ours(name: str) -> None:
    assert read(**{name: "1"}) == read()


def test_every_mistake_is_in_one_message() -> None:
    environ = {
        "JWKS_URL": "https://keys.example",
        "PERMISSIONS_TABLE": "",
        "USER_POOL_ID": "pool",
        "CACHE_SCOPE": "everything",
        "TOKEN_SCOPE_GUARDS": "2",
        "EXPIRY_CONDITIONS": "on",
        "POLICY_REFRESH_SECONDS": "soon",
        "POLICY_MAX_STALE_SECONDS": "-5",
        "JWKS_MAX_AGE_SECONDS": "1h",
        "JWKS_MAX_STALE_SECONDS": "forever",
        "JWKS_URI": "http://keys.example",
        "TRUSTED_ISSUERS": listed({"name": "a b", "token_use": "refresh"}, PARTNER, PARTNER),
    }
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    wrong = [*environ, "API", "APP_CLIENT_IDS"]
    assert [name for name in wrong if f"`{name}`" not in str(caught.value)] == []
    in_the_list = ("`issuer` is missing", "`token_use` may be", "`client_ids` or `audience`", "`name` must be", "`name partner` twice")
    assert [part for part in in_the_list if part not in str(caught.value)] == []
    assert str(caught.value) == "settings are not usable: " + "; ".join(caught.value.problems)
    assert caught.value.reason == "settings"


def test_a_listed_issuer_comes_after_the_pool() -> None:
    full = PARTNER | {
        "jwks_uri": "https://keys.partner.example/k",
        "audience": ["https://api.example"],
        "token_use": "none",
        "groups_claim": "roles",
        "binding_claims": ["tenant"],
    }
    assert read(TRUSTED_ISSUERS=listed(full)).issuers == (
        *read().issuers,
        TrustedIssuer(
            name="partner",
            issuer="https://id.partner.example",
            jwks_uri="https://keys.partner.example/k",
            client_ids=frozenset({"shop"}),
            audience=frozenset({"https://api.example"}),
            token_use="none",
            groups_claim="roles",
            binding_claims=("tenant",),
        ),
    )


def test_a_listed_issuer_is_enough_and_is_asked_for_access_tokens() -> None:
    [issuer] = read(**NOBODY, TRUSTED_ISSUERS=listed(PARTNER)).issuers
    assert (issuer.token_use, issuer.groups_claim, issuer.binding_claims) == ("access", "cognito:groups", ())
    assert (issuer.jwks_uri, issuer.client_claim, issuer.machine) == ("https://id.partner.example/keys", "client_id", None)
    assert issuer.algorithms == ("RS256",)


@pytest.mark.parametrize("field", ["issuer", "token_use", "client_ids"])
def test_a_name_that_stands_twice_in_an_issuer_is_refused(field: str) -> None:
    """JSON's readers keep the last: whoever reviewed the first one has checked another setting."""
    text = listed(PARTNER)
    twice = text[:-2] + f', "{field}": "x", "{field}": "y"' + text[-2:]
    [problem] = problems(TRUSTED_ISSUERS=twice)
    assert f"`{field}` stands twice in one object" in problem


def test_no_number_that_json_lacks_is_read() -> None:
    [problem] = problems(TRUSTED_ISSUERS=listed(PARTNER)[:-2] + ', "name": NaN}]')
    assert "`TRUSTED_ISSUERS` is not JSON: `NaN`" in problem


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("POLICY_REFRESH_SECONDS", 3600),
        ("POLICY_MAX_STALE_SECONDS", 86_400),
        ("JWKS_MAX_AGE_SECONDS", 86_400),
        ("JWKS_MAX_STALE_SECONDS", 86_400),
        ("GATEWAY_TTL", 3600),
    ],
)
def test_every_number_of_seconds_has_a_most_and_says_why(name: str, most: int) -> None:
    read(**{name: str(most)})
    [problem] = problems(**{name: f"{most}.001"})
    assert problem.startswith(f"`{name}` is `{most}.001`, and {most} is the most: ")
    assert problem.endswith(("so long", "no longer"))


@pytest.mark.parametrize("text", ["{", "nonsense", "null", "7", '"a"', "{}", "[1]", '[{"name": "a"}, "b"]', "[[]]"])
def test_what_is_no_list_of_issuers(text: str) -> None:
    [problem] = problems(TRUSTED_ISSUERS=text)
    assert problem.startswith(("`TRUSTED_ISSUERS` is not JSON: ", "`TRUSTED_ISSUERS` must be a JSON list of objects"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"token_use": "refresh"}, "`token_use` may be access, id, none"),
        ({"token_use": ""}, "`token_use` may be access, id, none"),
        ({"token_use": None}, "`token_use` must be text"),
        ({"client_ids": []}, "`client_ids` or `audience` must name whose tokens are accepted"),
        ({"client_ids": "shop", "audience": ["a"]}, "`client_ids` must be a list of names"),
        ({"audience": [""]}, "`audience` must be a list of names"),
        ({"audience": [7]}, "`audience` must be a list of names"),
        ({"binding_claims": "tenant"}, "`binding_claims` must be a list of names"),
        ({"groups_claim": 1}, "`groups_claim` must be text"),
        ({"client_id": ["shop"]}, f"`client_id` is not one of its fields: {', '.join(ISSUER_FIELDS)}"),
        *(({"name": name}, NO_NAME) for name in ("a:b", "a b", "ä", "x" * 33, "", "a\n")),
    ],
)
def test_a_listed_issuer_with_one_mistake(changes: dict[str, Any], message: str) -> None:
    assert problems(TRUSTED_ISSUERS=listed(PARTNER | changes)) == [f"`TRUSTED_ISSUERS` entry 0: {message}"]


def test_a_list_that_is_nested_without_end_is_a_mistake_too() -> None:
    assert problems(TRUSTED_ISSUERS="[" * 100_000) == ["`TRUSTED_ISSUERS` is nested too deeply"]


def test_one_mistake_is_told_once() -> None:
    found = problems(TRUSTED_ISSUERS=listed(PARTNER | {"issuer": 7}))
    assert len([problem for problem in found if "`issuer` must be text" in problem]) == 1


def test_the_place_of_a_mistake_is_told() -> None:
    [problem] = problems(TRUSTED_ISSUERS=listed(PARTNER, PARTNER | {"name": "q", "issuer": "https://q.example", "client_ids": []}))
    assert problem.startswith("`TRUSTED_ISSUERS` entry 1: ")


def test_only_the_second_form_of_the_same_pool_goes_without_a_name() -> None:
    """Nobody else's directory may mint our groups."""
    second = f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}"
    unnamed = {"client_ids": ["client-1"]}
    assert [i.issuer for i in read(TRUSTED_ISSUERS=listed(unnamed | {"issuer": second})).issuers] == [ISSUER, second]
    for issuer in (f"{second}2", f"{second}/", f"https://issuer-cognito-idp.eu-west-2.amazonaws.com/{POOL}", f"{ISSUER}x"):
        [problem] = problems(TRUSTED_ISSUERS=listed(unnamed | {"issuer": issuer}))
        assert problem.endswith(NO_NAME)


def test_an_issuer_or_a_name_that_stands_twice() -> None:
    assert problems(TRUSTED_ISSUERS=listed(PARTNER | {"issuer": ISSUER})) == [f"`TRUSTED_ISSUERS` has `{ISSUER}` twice"]
    assert problems(TRUSTED_ISSUERS=listed(PARTNER, PARTNER | {"name": "other"})) == [
        "`TRUSTED_ISSUERS` has `https://id.partner.example` twice"
    ]
    assert problems(TRUSTED_ISSUERS=listed(PARTNER, PARTNER | {"issuer": "https://b.example"})) == [
        "`TRUSTED_ISSUERS` has `name partner` twice"
    ]


def test_a_long_list_stands_in_a_parameter_that_is_read_once() -> None:
    """30 pools are more than Lambda's environment holds."""
    asked: list[str] = []

    def parameter(name: str) -> str:
        asked.append(name)
        return listed(*({**PARTNER, "name": f"p{n}", "issuer": f"https://p{n}.example"} for n in range(30)))

    settings = read_settings(environment(TRUSTED_ISSUERS="ssm:/gatebook/issuers"), parameter)
    assert [issuer.name for issuer in settings.issuers] == ["", *(f"p{n}" for n in range(30))]
    assert asked == ["/gatebook/issuers"]
    read_settings(environment(), parameter)
    assert asked == ["/gatebook/issuers"]


def test_a_parameter_that_cannot_be_read_is_a_mistake_among_others() -> None:
    def parameter(_name: str) -> str:
        raise SettingsError(["the parameter cannot be read (AccessDeniedException)"])

    with pytest.raises(SettingsError) as caught:
        read_settings(environment(TRUSTED_ISSUERS="ssm:issuers", CACHE_SCOPE="x"), parameter)
    assert caught.value.problems == [
        "`TRUSTED_ISSUERS` is `ssm:issuers`: the parameter cannot be read (AccessDeniedException)",
        "`CACHE_SCOPE` is `x`: it may be `request` or `route` or `token`",
    ]


@pytest.mark.parametrize("text", ["", "  ", "[]", "nonsense"])
def test_a_parameter_that_names_nobody_is_a_mistake(text: str) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_ISSUERS"):
        read_settings(environment(TRUSTED_ISSUERS="ssm:issuers"), lambda _name: text)


def test_one_word_speaks_of_one_request() -> None:
    assert read(HTTP_API_RESPONSE="simple", CACHE_SCOPE="request").simple_responses
    for scope in ("route", "token"):
        [problem] = problems(HTTP_API_RESPONSE="simple", CACHE_SCOPE=scope)
        assert problem.endswith("set it to `request`")


@pytest.mark.parametrize("contradiction", [{"CACHE_SCOPE": "route"}, {"CACHE_SCOPE": "token"}, {"HTTP_API_RESPONSE": "simple"}])
def test_report_only_lets_one_path_pass_at_a_time(contradiction: dict[str, str]) -> None:
    assert read(REPORT_ONLY="1").report_only
    [problem] = problems(REPORT_ONLY="1", **contradiction)
    assert "it needs `CACHE_SCOPE=request` and `HTTP_API_RESPONSE=iam`" in problem


def test_a_candidate_is_not_what_it_is_compared_with() -> None:
    assert read(SHADOW_API="petstore-next").shadow_api == "petstore-next"
    [problem] = problems(SHADOW_API=NEEDED["API"])
    assert "a name of its own" in problem


@pytest.mark.parametrize(
    "name",
    [
        "SHADOW_APIS",
        "REPORT_ONLY_",
        "GATEWAY_TTL_SECONDS",
        "HTTP_API_RESPONSES",
        "HTTP_API_UNAUTHORISED",
        "USAGE_KEYS",
        "CONTEXT_USER",
        "LOG_ALLOW",
    ],
)
def test_a_name_that_is_nearly_a_setting_is_refused(name: str) -> None:
    [problem] = problems(**{name: "1"})
    assert problem.startswith(f"`{name}` is no setting")


def test_aws_itself_is_reached_where_nothing_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reaches_aws_itself({"AWS_REGION": "eu-west-1", "AWS_CA_BUNDLE": ""})
    for name in ("AWS_CONFIG_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert reaches_aws_itself()
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/network.pem")
    assert not reaches_aws_itself()


@pytest.mark.parametrize(
    "name",
    [
        *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *(
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_DYNAMODB",
            "AWS_USE_FIPS_ENDPOINT",
            "AWS_USE_DUALSTACK_ENDPOINT",
            "AWS_CONFIG_FILE",
            "AWS_PROFILE",
            "PYNAMODB_CONFIG",
        ),
    ],
)
def test_other_authorities_and_endpoints_are_noticed(name: str) -> None:
    assert not reaches_aws_itself({name: "x"})


# -- `TOKEN_FROM` -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("header:Authorization", [("header", "authorization")]),
        ("header:X-Access-Token", [("header", "x-access-token")]),
        ("cookie:Session", [("cookie", "Session")]),
        ("cookie:__Host-session", [("cookie", "__Host-session")]),
        ("query:Token", [("query", "Token")]),
        ("query:filter[token]", [("query", "filter[token]")]),
        ("query:a:b", [("query", "a:b")]),
        (" cookie:session , header:Authorization ", [("cookie", "session"), ("header", "authorization")]),
        ("query:a,query:A,cookie:a,header:a", [("query", "a"), ("query", "A"), ("cookie", "a"), ("header", "a")]),
    ],
)
def test_the_places_of_the_token_stand_in_their_order(text: str, places: list[tuple[str, str]]) -> None:
    assert [(place.kind.value, place.name) for place in read(TOKEN_FROM=text).token_from] == places


def test_the_usual_place_is_the_one_that_requests_know() -> None:
    """What is told apart by identity costs requests nothing."""
    assert read(TOKEN_FROM=" header:AUTHORIZATION").token_from is read().token_from is AUTHORIZATION_HEADER


FORMS = "a place is `header:NAME`, `cookie:NAME` or `query:NAME`, and several are separated by commas"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("Authorization", [f"`Authorization`: {FORMS}"]),
        ("body:token", [f"`body:token`: {FORMS}"]),
        ("Header:a", [f"`Header:a`: {FORMS}"]),
        ("HEADER:a", [f"`HEADER:a`: {FORMS}"]),
        (":a", [f"`:a`: {FORMS}"]),
        ("cookie:", [f"`cookie:`: {FORMS}"]),
        ("cookie", [f"`cookie`: {FORMS}"]),
        ("cookie:a,", [f"``: {FORMS}"]),
        (",", [f"``: {FORMS}"] * 2),
        ("header:a b", ["`header:a b`: no header has such a name"]),
        ("header: a", ["`header: a`: no header has such a name"]),
        ("header:a:b", ["`header:a:b`: no header has such a name"]),
        ("header:\u00e9", ["`header:\u00e9`: no header has such a name"]),
        ("cookie:a=b", ["`cookie:a=b`: no cookie has such a name"]),
        ("cookie:a;b", ["`cookie:a;b`: no cookie has such a name"]),
        ('cookie:"a"', ['`cookie:"a"`: no cookie has such a name']),
        ("query:a b", ["`query:a b`: no query has such a name"]),
        ("query:a\x7f", ["`query:a\x7f`: no query has such a name"]),
        ("header:Cookie", ["`header:Cookie`: name the cookie that is the token, as in `cookie:session`"]),
        ("cookie:a,cookie:a", ["`cookie:a` twice: keep one"]),
        ("header:A,cookie:a,header:a", ["`header:a` twice: keep one"]),
        ("x:y,query:a,query:a", [f"`x:y`: {FORMS}", "`query:a` twice: keep one"]),
    ],
)
def test_what_is_no_place_of_a_token(text: str, messages: list[str]) -> None:
    assert problems(TOKEN_FROM=text) == [f"`TOKEN_FROM` has {message}" for message in messages]


@pytest.mark.parametrize("name", ["TOKEN_FROM_COOKIE", "TOKEN_FROMS"])
def test_a_misspelt_place_of_the_token_is_told(name: str) -> None:
    assert f"`{name}` is no setting" in problems(**{name: "cookie:a"})[0]


@pytest.mark.parametrize("share", ["some", "1", "0", "1.5", "10%", "-0.1", "0.1234567"])
def test_a_share_of_lines_that_is_none_is_refused(share: str) -> None:
    [problem] = problems(LOG_ALLOWED=share)
    assert problem == f"`LOG_ALLOWED` is `{share}`: it may be `all`, `none` or the share of them, such as `0.1`"
