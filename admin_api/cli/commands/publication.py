"""What every command that publishes does with a plan: publish it with progress, and say which version it became."""

from collections.abc import Sequence

from admin_api.cli.render import output
from admin_api.publishing.service import PermissionService, Plan
from admin_api.schemas import models, presenters


def publish(
    service: PermissionService,
    plan: Plan,
    *,
    by: str,
    on_behalf_of: str | None,
    reason: str,
    force: bool,
    quiet: bool,
    from_file: bool = False,
) -> models.WriteResult:
    """Publish, if there is anything to do, and print the version unless `quiet`. Returns what was done."""
    [done] = publish_all(service, [plan], by=by, on_behalf_of=on_behalf_of, reason=reason, force=force, quiet=quiet, from_file=from_file)
    return done


def publish_all(
    service: PermissionService,
    plans: Sequence[Plan],
    *,
    by: str,
    on_behalf_of: str | None,
    reason: str,
    force: bool,
    quiet: bool,
    from_file: bool,
) -> list[models.WriteResult]:
    """Publish one plan after the other, and print the version of each as soon as it is there, unless `quiet`. A bar counts the versions of all plans."""
    what = f"publishing {plans[0].document.api}" if len(plans) == 1 else "publishing"
    done = []
    with output.progress(what, sum(len(plan.steps) for plan in plans), quiet=quiet) as advance:
        for plan in plans:
            head = service.apply(
                plan, author=by, on_behalf_of=on_behalf_of, reason=reason, force=force, from_file=from_file, on_part=advance
            )
            if head is not None and not quiet:
                with advance.aside():
                    output.OUT.print(
                        f"[bold green]published[/] {plan.document.api} version {head.version}, hash {head.hash}", highlight=False
                    )
            done.append(presenters.write_result(plan, head, dry_run=False))
    return done
