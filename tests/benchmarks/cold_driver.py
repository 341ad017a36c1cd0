"""One cold start, in a process of its own: `python cold_driver.py`, with one line of JSON on standard input, which `cold_start` writes.

It sees nothing but the folder of the zip, imports the handler as Lambda's runtime does, and hands it one event. Every name resolves to one port on the loopback
address, as a line in `/etc/hosts` would do it, so that addresses and certificates are those of AWS. The last line that it prints tells the answer, the seconds
of CPU from the process's start, those of the wall from the import on, and the peak of resident memory in KiB.
"""

import importlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """What Lambda tells of an invocation."""

    function_name = "authorizer"
    function_version = "$LATEST"
    memory_limit_in_mb = "256"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:111122223333:function:authorizer"
    aws_request_id = "77777777-0000-4000-8000-000000000007"


def main() -> None:
    """Do what standard input says, and end without the interpreter's tidying, which no sandbox waits for."""
    order = json.loads(sys.stdin.readline())
    look_up: Any = socket.getaddrinfo

    def loopback(_host: Any, _port: Any, *arguments: Any, **named: Any) -> Any:
        return look_up("127.0.0.1", order["port"], *arguments, **named)

    vars(socket)["getaddrinfo"] = loopback
    sys.path.insert(0, order["task"])
    started = time.perf_counter()
    handler = importlib.import_module(order["module"]).handler
    answer = handler(order["event"], Context())
    wall, cpu = time.perf_counter() - started, time.process_time()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    print(json.dumps({"answer": answer, "cpu": cpu, "wall": wall, "peak_kib": peak}))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
