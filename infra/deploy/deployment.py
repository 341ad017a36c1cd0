"""One deployment from the zips to the seeds: what is asked, in which order, and how each thing that goes wrong is told."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from admin_api.importers.imported import ImportSourceError
from infra.deploy import next_steps
from infra.deploy.bucket import CodeBucket
from infra.deploy.changes import Change
from infra.deploy.deploy_file import CODE_PARAMETERS, FROM_BASE, SHARED, Environment, StackSettings
from infra.deploy.errors import CONFLICT, USAGE, DeployError
from infra.deploy.events import failed_in_rollback, first_cause
from infra.deploy.stack import ChangeSet, Described, Stack
from infra.deploy.talk import Talk
from infra.deploy.template import Template, is_newer, release_of, stamped, template_of

_SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says."""

    yes: bool = False
    dry_run: bool = False
    create_bucket: bool = False
    seeds: bool = True
    wait: bool = True
    accept_loss: tuple[str, ...] = ()


@dataclass(slots=True)
class Deployment:
    """A deployment of one environment. `stack_of` and the callables are its seams to AWS, packaging and the `gatebook` command.

    `package` returns the zips of the authorizer and of the admin API for an architecture; `apply` applies files to a table and returns the exit code.
    """

    environment: Environment
    base: Template
    sample: Template
    wishes: Wishes
    talk: Talk
    bucket: CodeBucket
    stack_of: Callable[[str], Stack]
    package: Callable[[str], tuple[Path, Path]]
    apply: Callable[[tuple[Path, ...], str], int]
    seeds: tuple[Path, ...]
    release: str
    _bucket_exists: bool = field(default=False, init=False)
    _has_changed: bool = field(default=False, init=False)

    def run(self) -> int:
        """Deploy, and return what the command exits with. Raises `DeployError`."""
        wishes, talk, environment = self.wishes, self.talk, self.environment
        if not (wishes.yes or wishes.dry_run or talk.is_interactive):
            raise DeployError(
                "there is no terminal to ask on, and nothing was done: look at the changes with --dry-run, and let a pipeline make them with --yes",
                USAGE,
            )
        self._find_bucket()
        code = self._code()
        outputs = self._bring_up(environment.base, self.base, code)
        if environment.sample is not None:
            outputs = self._bring_up_sample(environment.sample, code, outputs)
        if wishes.dry_run:
            talk.say("nothing was changed")
            return 0
        return self._finish(outputs)

    def _find_bucket(self) -> None:
        bucket, wishes = self.bucket, self.wishes
        self._bucket_exists = bucket.exists()
        if self._bucket_exists:
            return
        there_is_none = f"there is no bucket `{bucket.name}` in {bucket.region}"
        if wishes.dry_run:
            self.talk.say(f"{there_is_none}: " + ("it would be created" if wishes.create_bucket else "--create-bucket makes it"), "yellow")
            return
        if not wishes.create_bucket:
            raise DeployError(f"{there_is_none}: --create-bucket makes it, or name one that is there as `bucket`", USAGE)
        bucket.create()
        self._bucket_exists = True
        self.talk.say(f"created bucket {bucket.name}: closed to the public, encrypted, versioned, TLS only")

    def _code(self) -> dict[str, str]:
        """Return the parameters that name the code, which is in the bucket unless this is a dry run."""
        architecture = self.environment.base.parameters.get(SHARED) or self.base.parameters[SHARED].default or ""
        archives = self.package(architecture)
        for archive in archives:
            if self.wishes.dry_run:
                continue
            uploaded = self.bucket.put(archive)
            self.talk.say(f"uploaded {archive.name}" if uploaded else f"{archive.name} is in the bucket already")
        return dict(zip(CODE_PARAMETERS, (self.bucket.name, *(archive.name for archive in archives)), strict=True))

    def _bring_up_sample(self, settings: StackSettings, code: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, str]:
        if missing := [name for name in FROM_BASE if name not in outputs]:
            self.talk.say(
                f"{settings.name}: what would change is known once {self.environment.base.name} is there, which gives {', '.join(missing)}"
            )
            return dict(outputs)
        attached = {name: outputs[name] for name in FROM_BASE if name in self.sample.parameters}
        return {**self._bring_up(settings, self.sample, {**code, **attached}), **outputs}

    def _bring_up(self, settings: StackSettings, template: Template, filled_in: Mapping[str, str]) -> dict[str, str]:
        """Bring one stack up to date and return its outputs; in a dry run those that it has now."""
        stack = self.stack_of(settings.name)
        before = self._usable(stack)
        if before is not None and before.is_empty:
            before = None
        if before is not None:
            self._say_if_newer(stack, before, template)
        parameters = {**settings.parameters, **{name: value for name, value in filled_in.items() if name in template.parameters}}
        self.talk.say(f"{settings.name}: working out what changes", "dim")
        body = self._body(template)
        secrets = [name for name in before.parameters if template.is_secret(name)] if before else []
        planned = stack.plan(
            _change_set_name(), body, _complete(template, parameters), secrets, template.capabilities, creates=before is None
        )
        if planned is None:
            self.talk.say(f"{settings.name}: nothing to change")
            return dict(before.outputs) if before else {}
        self._show(settings.name, planned, before, _complete(template, parameters))
        if self.wishes.dry_run:
            stack.discard(planned)
            return dict(before.outputs) if before else {}
        self._ask(stack, planned)
        stack.execute(planned)
        self._has_changed = True
        done = self._follow(stack, planned.stack_id, len(planned.changes), "creating" if planned.creates else "updating")
        return dict(done.outputs)

    def _usable(self, stack: Stack) -> Described | None:
        """Return the stack once it can be created or updated, None if there is none. Raises `DeployError` with the remedy if it cannot."""
        described = stack.describe()
        if described is not None and described.is_busy:
            described = self._wait_for_others(stack, described)
        if described is None or described.is_empty or described.status in _SETTLED:
            return described
        if described.status == "ROLLBACK_COMPLETE":
            self._clear(stack, described)
            return None
        raise DeployError(self._way_out(stack, described))

    def _wait_for_others(self, stack: Stack, described: Described) -> Described | None:
        told = f"somebody else works on stack `{stack.name}`, which is {described.status}"
        if not self.wishes.wait:
            raise DeployError(f"{told}: run `gatebook deploy` again when that has ended, or leave out --no-wait", CONFLICT)
        self.talk.say(f"{told}; waiting until that has ended, and Ctrl-C stops the waiting alone")
        stack.mark()
        with self.talk.progress(f"{stack.name}, by somebody else") as on_event:
            try:
                return stack.settled(described.id, on_event)[0]
            except KeyboardInterrupt:
                raise DeployError("stopped; nothing was done", USAGE) from None

    def _clear(self, stack: Stack, described: Described) -> None:
        """Delete what a failed creation has left, if that is wanted."""
        cause = first_cause(stack.all_events())
        self.talk.say(
            f"the creation of stack `{stack.name}` failed, and nothing leads out of {described.status} but deleting it. It failed for:"
        )
        self.talk.say(cause, "red")
        if self.wishes.dry_run:
            raise DeployError(f"`gatebook deploy` without --dry-run deletes `{stack.name}` when you agree, and creates it anew")
        if not self.wishes.yes and not self.talk.confirm(f"Delete stack {stack.name}, which holds nothing, and create it anew?"):
            raise DeployError("stopped; nothing was deleted", USAGE)
        stack.delete(described.id)
        gone = self._follow(stack, described.id, None, "deleting", wanted=("DELETE_COMPLETE",))
        for left in stack.retained(gone.id):
            self.talk.say(f"kept in the account, outside of any stack, as the template asks: {left}", "yellow")

    def _way_out(self, stack: Stack, described: Described) -> str:
        named = f"--region {self.environment.region} --stack-name {stack.name}"
        told = f"stack `{stack.name}` is {described.status}"
        if described.status == "UPDATE_ROLLBACK_FAILED":
            failed = failed_in_rollback(stack.all_events())
            causes = "".join(f"\n  {each.logical_id} ({each.kind}): {each.reason or each.status}" for each in failed)
            skipped = " ".join(each.logical_id for each in failed) or "RESOURCE"
            return (
                f"{told}: an update failed, and going back failed as well. Its resources work as they are, and none can be changed.{causes}\n"
                f"Mend what these say, then let it go back: aws cloudformation continue-update-rollback {named}\n"
                f"What cannot be mended can be left as it is with --resources-to-skip {skipped}. Then run `gatebook deploy` again."
            )
        if described.status in ("CREATE_FAILED", "UPDATE_FAILED"):
            return (
                f"{told}: somebody deployed it with rollback disabled, and {first_cause(stack.all_events())}\n"
                f"Let it go back: aws cloudformation rollback-stack {named}. Then run `gatebook deploy` again."
            )
        return (
            f"{told}, and nothing leads out of that but deleting it: aws cloudformation delete-stack {named}\n"
            f"Look first at what it holds: aws cloudformation describe-stack-resources {named}. "
            f"Table and user pool stay in the account.\n{described.reason}".rstrip()
        )

    def _say_if_newer(self, stack: Stack, before: Described, template: Template) -> None:
        release = _release_of(stack.deployed_template())
        if release is not None and is_newer(release, self.release):
            self.talk.say(
                f"stack `{stack.name}` was deployed by release {release}, which is newer than this one, {self.release}: going on takes back what came since",
                "bold yellow",
            )
        elif unknown := sorted(before.parameters.keys() - template.parameters.keys()):
            self.talk.say(
                f"stack `{stack.name}` has parameters that this release does not know, and going on drops them: {', '.join(unknown)}. "
                "A newer release, or another template, was deployed there",
                "bold yellow",
            )

    def _body(self, template: Template) -> Mapping[str, str]:
        text = stamped(template, self.release)
        return self.bucket.body_of(template.name, text) if self._bucket_exists else {"TemplateBody": text}

    def _show(self, name: str, planned: ChangeSet, before: Described | None, parameters: Mapping[str, str]) -> None:
        count = len(planned.changes)
        self.talk.say(f"{name}: {'creates' if planned.creates else 'changes'} {count} resource{'s' * (count != 1)}", "bold")
        self.talk.show_changes(planned.changes)
        if not count:
            self.talk.say("outputs or metadata alone")
        for key, value in parameters.items():
            was = before.parameters.get(key) if before else None
            # What NoEcho hides is `****`.
            if before is not None and was is not None and was != value and set(was) != {"*"}:
                self.talk.say(f"  parameter {key}: `{was}` -> `{value}`")

    def _ask(self, stack: Stack, planned: ChangeSet) -> None:
        """Raises `DeployError` unless the changes are agreed to; the change set is deleted then."""
        agreed = False
        try:
            endangered = [each for each in planned.changes if each.endangers_data and each.logical_id not in self.wishes.accept_loss]
            if endangered:
                self._ask_for_data(stack.name, endangered)
            elif not self.wishes.yes and not self.talk.confirm(f"Make these changes to {stack.name}?"):
                raise DeployError("stopped; nothing was changed", USAGE)
            agreed = True
        finally:
            if not agreed:
                stack.discard(planned)

    def _ask_for_data(self, name: str, endangered: list[Change]) -> None:
        listed = ", ".join(f"{each.logical_id} ({each.kind})" for each in endangered)
        self.talk.say(f"! these hold data, and the stack would go on with empty ones or none: {listed}", "bold red")
        if self.wishes.yes:
            accepted = " ".join(f"--accept-loss {each.logical_id}" for each in endangered)
            raise DeployError(f"--yes does not agree to that, and nothing was changed: {accepted} does", USAGE)
        if not self.talk.typed("Whatever reads them stops working until it is told the new ones.", name):
            raise DeployError("stopped; nothing was changed", USAGE)

    def _follow(
        self,
        stack: Stack,
        stack_id: str,
        resources: int | None,
        what: str,
        wanted: tuple[str, ...] = ("CREATE_COMPLETE", "UPDATE_COMPLETE"),
    ) -> Described:
        """Wait until the stack has settled, and return what it is then. Raises `DeployError` with the cause if it is not what is wanted."""
        command = next_steps.follow(stack.name, self.environment.region)
        try:
            with self.talk.progress(f"{what} {stack.name}", resources) as on_event:
                done, events = stack.settled(stack_id, on_event)
        except KeyboardInterrupt:
            self.talk.say(
                f"\nstopped waiting: AWS goes on with stack `{stack.name}`. `gatebook deploy` waits for it again, and this shows what it does:\n"
                f"  {command}"
            )
            raise
        except (BotoCoreError, ClientError):
            self.talk.say(
                f"AWS goes on with stack `{stack.name}`, whatever kept this command from looking. This shows what it does:\n  {command}"
            )
            raise
        if done.status in wanted:
            self.talk.say(f"{stack.name}: {done.status}", "bold green")
            return done
        raise DeployError(self._failure(stack, done, first_cause(events)))

    def _failure(self, stack: Stack, done: Described, cause: str) -> str:
        told = f"stack `{stack.name}` could not be deployed ({done.status}). It failed for:\n{cause}\n"
        if done.status == "UPDATE_ROLLBACK_COMPLETE":
            return f"{told}The update was rolled back, and the stack works as before."
        if done.status == "ROLLBACK_COMPLETE":
            return f"{told}What was created is deleted again. Mend the cause and run `gatebook deploy` again, which offers to delete the empty stack first."
        return f"{told}{self._way_out(stack, done)}"

    def _finish(self, outputs: Mapping[str, str]) -> int:
        """Apply the seeds and say what is there and what to do next. Returns what the command exits with."""
        talk = self.talk
        talk.say("outputs", "bold")
        talk.show_values(outputs)
        code = 0
        if self.wishes.seeds:
            talk.say(f"permissions of {', '.join(map(str, self.seeds))}", "bold")
            code = self.apply(self.seeds, outputs["TableName"])
        if code or self._has_changed:
            self._say_what_is_next(outputs, code)
        return code

    def _say_what_is_next(self, outputs: Mapping[str, str], code: int) -> None:
        talk, region = self.talk, self.environment.region
        talk.say("next", "bold")
        apply = next_steps.apply_seeds(self.seeds, outputs["TableName"], region)
        if code:
            talk.say(
                f"The stacks are deployed. The seeds were not applied, for the reason above. This applies them, and --no-seeds leaves them out:\n"
                f"  {apply}"
            )
        elif not self.wishes.seeds:
            talk.say(f"The permissions are as they were. This applies the seeds:\n  {apply}")
        if not self._has_changed:
            return
        talk.say(f"The console: {outputs['ConsoleUrl']}. Its first user who may edit permissions, where there is none yet:")
        for line in next_steps.first_admin(outputs, region, makes_group=bool(self.environment.base.parameters.get("UserPoolId"))):
            talk.say(f"  {line}")
        talk.say(f"Whether all is well:\n  {next_steps.look_at_it(outputs, region)}")


def _release_of(template: str | Mapping[str, Any]) -> str | None:
    """Return the release that a deployed template says it is of. One that cannot be read says nothing."""
    try:
        return template_of(template, "the deployed template").release if isinstance(template, str) else release_of(template)
    except ImportSourceError:
        return None


def _complete(template: Template, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return a value for each parameter: one that is left out of an update would keep what the stack has, and the file would not say what is deployed."""
    defaults = {name: each.default for name, each in template.parameters.items() if each.default is not None and not each.is_secret}
    return {**defaults, **parameters}


def _change_set_name() -> str:
    return f"gatebook-{time.time_ns()}"
