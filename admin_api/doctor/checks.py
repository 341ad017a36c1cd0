"""All checks, in the order in which a report shows them."""

from dataclasses import dataclass
from typing import NamedTuple

from admin_api.doctor.authorizer_settings import unusable_settings
from admin_api.doctor.catalogue_drift import drifting_catalogue
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Check, Finding
from admin_api.doctor.function_limits import unsuitable_limits
from admin_api.doctor.gateway_ttl import misjudged_ttl
from admin_api.doctor.identity_sources import unfit_identity_sources
from admin_api.doctor.invoke_permission import strangers_invoke, uninvokable_function
from admin_api.doctor.key_sets import unusable_keys
from admin_api.doctor.preflight import guarded_preflight
from admin_api.doctor.refusal_cors import hidden_refusals
from admin_api.doctor.remembered_answers import ill_chosen_ttl
from admin_api.doctor.resource_policy import overruling_resource_policy
from admin_api.doctor.role import missing_rights, needless_rights, rights_to_write
from admin_api.doctor.settings_that_open import settings_that_open
from admin_api.doctor.simple_responses import unfit_simple_responses
from admin_api.doctor.stored_permissions import altered_history, nothing_published
from admin_api.doctor.table_settings import unprotected_table
from admin_api.doctor.token_scope import inexpressible_scope
from admin_api.doctor.unguarded_routes import unguarded_routes
from admin_api.doctor.writable_attributes import trusted_attributes_that_users_write


class NamedCheck(NamedTuple):
    """A check, the name by which a report calls it, and one sentence of what it looks at."""

    name: str
    looks_at: str
    check: Check


CHECKS = (
    NamedCheck("unguarded routes", "Each route that is not public asks the authorizer.", unguarded_routes),
    NamedCheck("identity sources", "The gateway's cache key holds what the answers depend on.", unfit_identity_sources),
    NamedCheck("gateway's TTL", "The settings say what the gateway remembers.", misjudged_ttl),
    NamedCheck("remembered answers", "A change takes effect in the time that the documentation promises.", ill_chosen_ttl),
    NamedCheck("simple responses", "Gateway and function speak of the same kind of answer.", unfit_simple_responses),
    NamedCheck("scope", "The document can be said in the function's cache scope.", inexpressible_scope),
    NamedCheck("resource policy", "No policy of the API turns the authorizer's silence into access.", overruling_resource_policy),
    NamedCheck("catalogue", "The catalogue lists what is deployed.", drifting_catalogue),
    NamedCheck("preflight", "A browser's OPTIONS, which carries no token, is not behind the authorizer.", guarded_preflight),
    NamedCheck("refusals in browsers", "A browser shows the status of a refusal, not a CORS error.", hidden_refusals),
    NamedCheck("settings", "The function starts with its settings.", unusable_settings),
    NamedCheck("settings that open", "No setting lets more pass than the document says.", settings_that_open),
    NamedCheck("invoke permission", "API Gateway may invoke the function for this authorizer.", uninvokable_function),
    NamedCheck("other invokers", "Nobody else may invoke the function.", strangers_invoke),
    NamedCheck("function limits", "Timeout, memory and runtime suit a cold start and the slowest failure.", unsuitable_limits),
    NamedCheck("key sets", "Each issuer that is trusted publishes a key that the authorizer may use.", unusable_keys),
    NamedCheck("role reads", "The function's role may read the table, and the parameter that the settings name.", missing_rights),
    NamedCheck("role writes", "The function's role may not write permissions.", rights_to_write),
    NamedCheck("role beyond need", "The function's role may nothing that an authorizer has no use for.", needless_rights),
    NamedCheck("published document", "The table holds a document for the authorizer's API.", nothing_published),
    NamedCheck("history", "The history bears out what the table holds.", altered_history),
    NamedCheck("table settings", "Ended entries are deleted, and the table survives a mistake.", unprotected_table),
    NamedCheck("writable attributes", "No user writes a claim that permissions trust.", trusted_attributes_that_users_write),
)
"""Names are unique."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check found, nothing where all is well or what it needs could not be read."""

    name: str
    looks_at: str
    findings: tuple[Finding, ...]


def examine(deployment: Deployment) -> tuple[Examined, ...]:
    """Return what each check finds, in the order of `CHECKS`. A sound deployment gives each of them without findings."""
    return tuple(Examined(each.name, each.looks_at, tuple(each.check(deployment))) for each in CHECKS)
