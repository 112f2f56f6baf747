"""sysctl.d files (sysctl.d(5)): settings in the order in which they are read, and the lines of handoff.md."""

from collections.abc import Mapping

from netwright.verify.values.facts import Origin, Reading, Setting

CONF = ("net", "ipv4", "conf")
DEFAULTS = {
    "forwarding": 0,
    "rp_filter": 0,
    "proxy_arp": 0,
    "proxy_arp_pvlan": 0,
    "medium_id": 0,
    "send_redirects": 1,
    "accept_redirects": 1,
    "shared_media": 1,
    "accept_local": 0,
    "arp_ignore": 0,
    "arp_announce": 0,
}


def read_sysctl(file: str, text: str) -> Reading:
    """The file's settings in order."""
    reading = Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        origin = Origin(file=file, line=number)
        key, equals, value = stripped.partition("=")
        optional = key.startswith("-")
        words = split_key(key.removeprefix("-").strip())
        if ".." in words:
            reading.note_unknown(origin, line, "a key with a step back, which systemd-sysctl refuses and sysctl takes")
            continue
        if (not equals and not optional) or not words or stripped.endswith("\\"):
            reading.note_unknown(origin, line, "not a line of a sysctl.d file")
            continue
        reading.settings.append(
            Setting(key=words, value=value.strip() if equals else None, origin=origin, optional=optional)
        )
    return reading


def split_key(key: str) -> tuple[str, ...]:
    """The key's words: the first separator decides; after a slash dots belong to names, after a dot slashes do.

    Empty words and single dots are no words to systemd 252 and to procps: net/./ipv4//ip_forward is one of two names.
    """
    slash, dot = key.find("/"), key.find(".")
    if slash >= 0 and (dot < 0 or slash < dot):
        words = key.split("/")
    else:
        words = [word.replace("/", ".") for word in key.split(".")]
    return tuple(word for word in words if word not in ("", "."))


def merge_order(files: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of sysctl.d files in the order in which systemd-sysctl reads them: by file name over all directories.

    A file in /etc hides one of the same name in /run, and that one in /usr/lib.
    """
    ranks = {"/etc/sysctl.d/": 0, "/run/sysctl.d/": 1, "/usr/local/lib/sysctl.d/": 2, "/usr/lib/sysctl.d/": 3}
    chosen: dict[str, tuple[int, str]] = {}
    for path in files:
        for directory, rank in ranks.items():
            name = path.removeprefix(directory)
            if name != path and "/" not in name and name.endswith(".conf") and not name.startswith("."):
                chosen[name] = min(chosen.get(name, (rank, path)), (rank, path))
    # On Rocky 99-sysctl.conf is a link to this file.
    if "/etc/sysctl.conf" in files:
        chosen.setdefault("99-sysctl.conf", (0, "/etc/sysctl.conf"))
    return tuple(chosen[name][1] for name in sorted(chosen))
