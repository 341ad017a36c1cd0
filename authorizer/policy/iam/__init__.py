"""Decisions written as IAM policies, as API Gateway takes, keeps and evaluates them."""
