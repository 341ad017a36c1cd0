"""The Lambda entry point, `authorizer.handler.handler`. A mistake in the settings stops the cold start, with all mistakes in one message."""

import gc

from authorizer.runtime import check_runtime

# What a cold start makes stays: looking for garbage among it costs each cold start, and later each collection.
gc.disable()
check_runtime()

# What comes with the wrong zip would fail in here, with an error that names anything but the cause.
from authorizer.settings import read_settings  # noqa: E402
from authorizer.wiring import build_handler  # noqa: E402

handler = build_handler(read_settings())
gc.freeze()
gc.enable()
