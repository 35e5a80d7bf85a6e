"""Who owns a lease, in a form that tells whether the owner's process still exists.

A worker that was killed leaves leases behind. Its successor on the same machine need not wait for
them to lapse: it can see that the process is gone. From elsewhere nobody can, and waits.
"""

import os
import uuid

from tradeops.kit.clock import boot_id

_PID_NAMESPACE = "/proc/self/ns/pid"


def own_identity() -> str:
    """`<machine>:<pid>:<random>`; the random part tells this process from a later one's pid."""
    return f"{_machine()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def is_gone(identity: str) -> bool:
    """Whether the owner ran on this machine and its process does not exist any more.

    False whenever that cannot be known, also for a pid that somebody else has meanwhile.
    """
    machine, _, rest = identity.partition(":")
    pid, _, _ = rest.partition(":")
    if not machine or machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _machine() -> str:
    # Two machines may share a name; a boot and a pid namespace are never shared.
    try:
        namespace = os.readlink(_PID_NAMESPACE)[5:-1]
    except OSError:
        return ""  # no Linux: nobody is ever known to be gone
    return f"{boot_id()[:13]}/{namespace}"
