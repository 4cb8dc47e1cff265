"""One process at a time, by a lock file that the kernel releases when its process ends, however it ends."""

import contextlib
import os
import platform
import sys

from filelock import FileLock, Timeout


@contextlib.contextmanager
def alone(path):
    """Hold the lock file `path` until the end of the context; if another process holds it, say so and wait.

    On a shared file system this works across machines too, if that file system supports locks (NFS does).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        with contextlib.suppress(FileNotFoundError):  # it has just ended
            holder = path.read_text() or "another process"
            print(f"waiting for {holder}, which makes the same files (lock: {path})", file=sys.stderr, flush=True)
        lock.acquire(poll_interval=0.5)
    try:
        path.write_text(f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        with contextlib.suppress(OSError):  # e.g. its folder is read-only by now; the file alone locks nothing
            path.unlink()  # while the lock is held: a waiting process notices that the file is gone
        lock.release()
