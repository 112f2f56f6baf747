"""libvirt's own schema for its XML."""

from tests.rigs.machine import run


def network_complaints(path: str) -> str:
    """What virt-xml-validate says of a file that is to be a libvirt network; "" if it is one."""
    done = run("virt-xml-validate", path, "network", check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr or "refused without a word"
