"""Deploys the templates of `infra/` to an AWS account by change sets: `python -m infra.deploy`, which `gatebook deploy` starts."""
