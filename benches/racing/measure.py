"""One run of a command: its seconds, its processor time and the most memory it held."""

import os
import signal
import subprocess
import time


class Failed(Exception):
    """A contender that did not do its job."""


def run(command, *, timeout, log, cwd=None, env=None):
    """Runs `command` and waits for it. `ru_maxrss` counts every page that was resident, so a mapped
    file counts as well as a read one."""
    # What earlier runs wrote is on disk before the clock starts.
    os.sync()
    load = os.getloadavg()[0]
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            cwd=cwd, env=env, start_new_session=True)
        previous = signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        signal.alarm(timeout)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            # Ctrl-C: nothing is left running behind.
            os.killpg(process.pid, signal.SIGKILL)
            os.wait4(process.pid, 0)
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = log.read_text(errors="replace").strip().splitlines()
        why = f"took over {timeout} s" if process.returncode == -signal.SIGKILL and seconds >= timeout \
            else f"ended with {process.returncode}"
        raise Failed(f"{why}: {' / '.join(said[-3:])}")
    return {
        "seconds": round(seconds, 4),
        "user": round(usage.ru_utime, 3),
        "system": round(usage.ru_stime, 3),
        "memory": usage.ru_maxrss * 1024,
        "load_before": round(load, 2),
    }
