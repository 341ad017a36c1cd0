"""The Lambda entry point, `authorizer.handler.handler`. A mistake in the settings stops the cold start, with all mistakes in one message."""

from authorizer.settings import read_settings
from authorizer.wiring import build_handler

handler = build_handler(read_settings())
