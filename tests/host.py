"""The settings of the host that no test may feel: those of whoever calls pytest, masked for the whole process.

The files of the host are masked where programs read them: a machine of `netwright.lab.machine` has none of them.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from types import FrameType

KEPT = ("PATH", "TMPDIR", "CI", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that stay, whatever they hold; those whose name begins with one of `KEPT_PREFIXES` too."""
KEPT_PREFIXES = ("PYTEST_", "PIP_", "COV")
SET = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1"}

HANDLERS: Mapping[signal.Signals, Callable[[int, FrameType | None], object] | signal.Handlers] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGQUIT: signal.SIG_DFL,
    signal.SIGTERM: signal.SIG_DFL,
}
"""Python's own handlers of signals that a caller may have ignored: a shell does in the background, and nohup."""


def mask_host() -> Callable[[], None]:
    """Give this process and all that it starts an environment, home, umask and signal handlers; return the clean-up."""
    os.umask(0o022)
    for number, handler in HANDLERS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name in [name for name in os.environ if name not in KEPT and not name.startswith(KEPT_PREFIXES)]:
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="home-")
    os.environ.update(SET, HOME=home)
    time.tzset()
    return lambda: shutil.rmtree(home, ignore_errors=True)
