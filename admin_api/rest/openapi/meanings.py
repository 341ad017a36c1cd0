"""What each operation means for the admin who calls it, by the name of the function that serves it."""

_WRITE = (
    "`If-Match` names the version that the change starts from: a stale one is answered 412 with what has changed "
    "since. `dry_run=true` gives the same answer and writes nothing."
)

MEANINGS: dict[str, str] = {
    "list_apis": (
        "Lists the APIs that have permissions in this table, each with its newest version. Start here to find the name "
        "that the other paths take."
    ),
    "read_api": (
        "Says which version of the API's permissions is in force, who published it and why. `unfinished` is there if a "
        "large change stopped half-way: publish the same document again to go on, or roll back to `base_version`."
    ),
    "read_document": (
        "Returns all permissions of the API as one document, the same that files hold and `gatebook export` prints. Its"
        " `ETag` is what a change sends as `If-Match`."
    ),
    "write_document": (
        "Makes the document that is sent the API's permissions; what the document leaves out is gone. An API without "
        "permissions is created with `If-None-Match: *`. "
        f"{_WRITE}"
    ),
    "patch_document": (
        'Changes those parts of the document that are sent, and leaves the rest: `{"groups": {"guest": null}}` removes '
        "the group `guest`. Lists are replaced as a whole. "
        f"{_WRITE}"
    ),
    "read_catalogue": ("Returns the routes that permissions can be given for, and the cache scopes that publishing keeps the document to."),
    "write_catalogue": (
        "Replaces the list of routes. A permission whose selector matches no route any more is a mistake, and the "
        "answer names it: change such permissions first, or send the whole document. "
        f"{_WRITE}"
    ),
    "list_subjects": (
        "Lists everyone, groups, clients and scopes that hold permissions, with how many each holds by itself. `place` "
        "is what the path of a subject ends in."
    ),
    "read_one_subject": ("Returns what the subject holds by itself, and the groups that it inherits from, near and far."),
    "write_subject": (
        "Makes what is sent all that the subject holds by itself, and adds the subject if the API has none of that "
        "name. Callers notice after the authorizer's refresh interval. "
        f"{_WRITE}"
    ),
    "delete_subject": (
        "Takes everything from the subject that it holds by itself. Its members keep what everyone and their other "
        "groups give. A group that others inherit from cannot be removed before they stop. "
        f"{_WRITE}"
    ),
    "list_versions": (
        "Lists the changes, the newest first: who made each, when, why, and what the change meant for callers. A large "
        "change counts as one."
    ),
    "read_one_version": (
        "Returns one change and the document as it was after that change, for example to see what a rollback would publish."
    ),
    "compare_versions": (
        "Lists who gained or lost which route between two versions, in sentences and in words of access. The older "
        "version does not have to come first: `/versions/7/diff?to=3` shows what going back to 3 would change."
    ),
    "roll_back": (
        "Publishes the document of an old version again, as a new version, so that nothing of the history is lost. An "
        "`Idempotency-Key` makes the request safe to send again. "
        f"{_WRITE}"
    ),
    "read_matrix": (
        "Returns for every subject what it may do on every route, with what everyone may: `allowed`, `denied`, "
        "`nothing`, or the conditions of an allow."
    ),
    "read_access": (
        'Answers "who can call this?" for a method and a path or for a route, and "what can this one call?" for a '
        "`subject`, with the permissions that make it so."
    ),
    "explain_request": (
        "Says whether a caller with these groups or claims may make a request, which permissions decide, what nearly "
        "would, and what a grant would look like. The claim `iss`, or the issuer's name before a group, says whose token it is, and so which "
        "claims `where` may name. Asks no authorizer and changes nothing."
    ),
    "list_denylist": (
        "Lists whose tokens are refused whatever permissions say, until when, and why. `in_force` tells whether the entry still counts."
    ),
    "read_denylist_entry": ("Returns one entry of the denylist: who is refused, until when, who said so, and why."),
    "write_denylist_entry": (
        "Refuses every token with this value from the authorizers' next look at the table on, within seconds as a rule:"
        " `sub/u1` stops the user `u1`. With `issued_before` only tokens of earlier sign-ins are refused, so that "
        "signing in again helps. Needs no `If-Match`: the kill switch must not lose a race."
    ),
    "delete_denylist_entry": (
        "Accepts tokens with this value again, from the authorizers' next look at the table on. Permissions stay what they are."
    ),
    "find_users": (
        "Finds up to ten users of the pool whose user name, preferred user name or email begins with `begins_with`, or the one whose tokens "
        "carry `sub`, each with its groups. It is switched off unless `USER_DIRECTORY` is `true`, tells no other attribute, and logs no answer."
    ),
    "evaluate": (
        "Answers one question in the form of OpenID AuthZEN: may this subject do this action on this resource? The "
        "answer follows the newest published version."
    ),
    "evaluate_several": (
        "Answers several AuthZEN questions at once. What stands beside `evaluations` holds for each question that does not say otherwise."
    ),
}
