"""What every command that publishes does with a plan: publish it with progress, and say which version it became."""

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
    with output.progress(f"publishing {plan.document.api}", len(plan.steps)) as advance:
        head = service.apply(plan, author=by, on_behalf_of=on_behalf_of, reason=reason, force=force, from_file=from_file, on_part=advance)
    if head is not None and not quiet:
        output.OUT.print(f"[bold green]published[/] {plan.document.api} version {head.version}, hash {head.hash}", highlight=False)
    return presenters.write_result(plan, head, dry_run=False)
