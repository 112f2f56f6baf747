"""keepalived's and HAProxy's files of a delivery, or those that its hand-off sheet asks for."""

import re

from netwright.verify.reading.delivery import Delivery, Text
from netwright.verify.reading.formats.handoff import HAPROXY_SECTION, KEEPALIVED_SECTION, handoff_file
from netwright.verify.reading.formats.haproxy import HAPROXY, Balancer, read_haproxy
from netwright.verify.reading.formats.keepalived import KEEPALIVED, Instance, read_keepalived
from netwright.verify.values.facts import Unknown

_FURTHER = re.compile(r"/etc/haproxy/conf\.d/[^/.][^/]*\.cfg")
"""What HAProxy reads behind its own file where its unit names the folder, as Enterprise Linux' does: in the order of
names, hidden ones and other endings left out (haproxy(1), -f)."""


def read_instances(delivery: Delivery, unknown: list[Unknown]) -> tuple[Instance, ...]:
    """keepalived's instances; adds to `unknown` what is not read."""
    file = delivery.files.get(KEEPALIVED) or _handed_over(delivery, KEEPALIVED_SECTION)
    return read_keepalived(file.shown, file.text, unknown) if file is not None else ()


def read_balancer(delivery: Delivery) -> Balancer | None:
    """What HAProxy does, None where no file is there for it."""
    own = delivery.files.get(HAPROXY) or _handed_over(delivery, HAPROXY_SECTION)
    further = [delivery.files[path] for path in sorted(delivery.files) if _FURTHER.fullmatch(path)]
    read = [read_haproxy(file.shown, file.text) for file in (own, *further) if file is not None]
    return Balancer(proxies=tuple(proxy for one in read for proxy in one.proxies)) if read else None


def _handed_over(delivery: Delivery, section: str) -> Text | None:
    """The file that a section of the hand-off sheet holds, each line at its place there."""
    if delivery.handoff is None or not (text := handoff_file(delivery.handoff.text, section)):
        return None
    return Text(path="", shown=delivery.handoff.shown, text=text, mode=None)
