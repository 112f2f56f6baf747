"""The moment in which nothing changes any more: the kernels tell of every address, route, rule and filter that does."""

import contextlib
import select
import socket
import time
from collections.abc import Callable

from netwright.lab.namespaces import Namespaces

_ROUTE, _NETFILTER = 0, 12
_CHANGES = 0x1 | 0x10 | 0x40 | 0x80
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE (linux/rtnetlink.h)."""
_FILTER_CHANGES = 1 << (7 - 1)
"""NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h)."""
_QUIET = 1.0


class Ears:
    """Hears changes in network namespaces until `opened` is closed."""

    def __init__(self, spaces: Namespaces, names: tuple[str, ...], opened: contextlib.ExitStack) -> None:
        """Listens from now on."""
        self._poll = select.poll()
        self._ears: dict[int, socket.socket] = {}
        for name in names:
            with spaces.enter(name):
                for kind, groups in ((_ROUTE, _CHANGES), (_NETFILTER, _FILTER_CHANGES)):
                    ear = opened.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, kind))
                    ear.bind((0, groups))
                    ear.setblocking(False)
                    self._ears[ear.fileno()] = ear
                    self._poll.register(ear, select.POLLIN)

    def await_quiet(self, is_ready: Callable[[], bool], patience: float) -> bool:
        """Return whether, in time, all is ready and nothing has changed for a second."""
        start = changed = time.monotonic()
        while True:
            if self._has_heard():
                changed = time.monotonic()
            now = time.monotonic()
            if now - start > patience:
                return False
            if not is_ready():
                changed = max(changed, now - _QUIET / 2)
            elif now - changed > _QUIET:
                return True

    def _has_heard(self) -> bool:
        heard = self._poll.poll(50)
        for file, _ in heard:
            # What overflows is a change as well.
            with contextlib.suppress(OSError):
                while self._ears[file].recv(65536):
                    pass
        if heard:
            time.sleep(0.05)
        return bool(heard)
