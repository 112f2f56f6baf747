"""`python -m tests.soak.emulated_boot [FOLDER]` runs `netwright lab --boot` on an emulated kernel with every device.

FOLDER holds a topology.yaml and its out/; without one, it is examples/bare-metal. The kernel of this computer may lack
bonds, VLANs and WireGuard. A boot of two machines takes some minutes of one processor, one of seven most of an hour.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from netwright.lab import LabError
from netwright.lab.booted.base import debian
from tests.rigs.emulator import PREPARE, EmulatorError, emulate

PROJECT = Path(__file__).resolve().parents[2]
_MEGABYTES = 6144
"""Of memory: each machine's own files lie there."""
_SCRIPT = """\
/usr/sbin/modprobe -a overlay 8021q bonding bridge dummy veth wireguard
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export XDG_CACHE_HOME=/dev/shm/cache
mkdir $XDG_CACHE_HOME && mkdir -m 700 $XDG_CACHE_HOME/netwright && mkdir $XDG_CACHE_HOME/netwright/{name}
mount --bind {debian} $XDG_CACHE_HOME/netwright/{name}
status=0
PYTHONPATH={project}/gen {python} -m netwright lab --boot {folder}/topology.yaml -o {folder}/out 2>&1 || status=$?
echo $status > /mnt/ended
"""


def main(folder: Path) -> int:
    """Print what the command prints, and return its exit status."""
    try:
        made, _ = debian(lambda *_: None)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    words = {
        "name": made.name,
        "debian": made,
        "project": PROJECT,
        "python": sys.executable,
        "folder": folder.resolve(),
    }
    with TemporaryDirectory(prefix="netwright-boot-") as shared:
        try:
            script = PREPARE + _SCRIPT.format(**words)
            print(emulate(script, Path(shared), devices=("-m", str(_MEGABYTES)), seconds=4 * 3600), end="")
        except EmulatorError as error:
            print(error, file=sys.stderr)
            return 1
        return int(Path(shared, "ended").read_text())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "examples/bare-metal"))
