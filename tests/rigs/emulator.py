"""A kernel of Debian's in an emulator: it has the devices that the host's kernel may lack, and is another version.

The machine sees the host's files as they are, read-only, and a folder that both share. Its first program is a shell
script, so that a boot costs seconds although every instruction is emulated: no /dev/kvm is asked for, as containers and
nested machines have none. When the script ends the machine is off; when the caller ends, by whatever cause, so does it.
"""

import functools
import lzma
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from netwright.text.natural import natural_key

PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "modprobe": "kmod",
    "setpriv": "util-linux",
}
"""Needed programs, and the package of each."""
KERNEL_PACKAGE = "linux-image-amd64"
SHARED = "/mnt"
"""Where the machine has the shared folder."""
PREPARE = """\
ln -s /proc/self/fd /dev/fd
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/dev/shm TMPDIR=/dev/shm PYTHONDONTWRITEBYTECODE=1
cd /mnt
"""
"""Lines of a script that has more to run than busybox."""

# What the kernel needs before it sees files of the host; Debian builds next to nothing in.
_MODULES = ("virtio_pci", "9p", "9pnet_virtio")
# The machine's time is what its processor has done, 2 ns an instruction, and that of the host only while it waits: what
# gives up after some seconds (systemd-networkd's calls of the kernel: 25) does so alike on a slow or busy host.
_CLOCK = "shift=1,sleep=on"
_INIT = """\
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs devices /dev
$bb mount -t proc proc /proc
for module in {modules}; do $bb insmod /modules/$module || exit; done
options=version=9p2000.L,trans=virtio,msize=512000
$bb mount -t 9p -o ro,cache=loose,$options root /root || exit
$bb mount -t proc proc /root/proc
$bb mount -t sysfs sysfs /root/sys
$bb mount -t devtmpfs devices /root/dev
$bb mkdir -p /root/dev/shm
$bb mount -t tmpfs tmpfs /root/dev/shm
$bb mount -t tmpfs -o mode=755 tmpfs /root/run
$bb mount -t 9p -o $options shared /root{shared} || exit
exec $bb switch_root -c /dev/console /root /bin/sh -c '
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 busybox sh {shared}/main > {shared}/output 2>&1
    echo "$?" > {shared}/status
    busybox poweroff -f
'
"""


class EmulatorError(Exception):
    """The machine can't be started, or did not end as it should; the text gives the reason."""


def emulate(script: str, folder: Path, *, devices: Sequence[str] = (), seconds: float = 2700) -> str:
    """Boot, run the shell script, and return its output when the machine is off.

    `folder` is shared: the script finds it below SHARED and leaves there what it has to say. `devices` are further
    arguments of QEMU. Raises EmulatorError if something is missing, if the script fails, or if it takes too long.
    """
    kernel = _find_kernel()
    output, status = folder / "output", folder / "status"
    (folder / "main").write_text(script)
    # In memory: what lies in no file system can't be left there.
    with open(os.memfd_create("initrd"), "w+b") as initrd:
        initrd.write(_initrd(kernel))
        initrd.flush()
        command = _command(kernel, initrd.fileno(), folder, devices)
        try:
            done = subprocess.run(
                command, capture_output=True, check=False, timeout=seconds, pass_fds=[initrd.fileno()]
            )
        except subprocess.TimeoutExpired as timeout:
            raise EmulatorError(f"still on after {seconds} s\n{_told(output, timeout.stdout)}") from None
    ended = status.read_text().strip() if status.exists() else "no status"
    if done.returncode != 0 or ended != "0":
        raise EmulatorError(f"ended with {ended}\n{_told(output, done.stdout + done.stderr)}")
    return output.read_text(errors="replace")


def _command(kernel: str, initrd: int, folder: Path, devices: Sequence[str]) -> list[str]:
    shares = {
        "root": "path=/,readonly=on,multidevs=remap",
        "shared": f"path={str(folder).replace(',', ',,')},multidevs=remap",
    }
    return [
        *("setpriv", "--pdeathsig=KILL", "qemu-system-x86_64"),
        *("-accel", "tcg,tb-size=256", "-cpu", "max", "-smp", "1", "-m", "1024"),
        *("-icount", _CLOCK),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-kernel", f"/boot/vmlinuz-{kernel}", "-initrd", f"/proc/self/fd/{initrd}"),
        *("-chardev", "file,id=console,path=/proc/self/fd/1", "-serial", "chardev:console"),
        *("-append", "console=ttyS0 quiet panic=-1 nokaslr mitigations=off cryptomgr.notests"),
        *(
            argument
            for tag, options in shares.items()
            for argument in (
                *("-fsdev", f"local,id={tag},security_model=none,{options}"),
                *("-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"),
            )
        ),
        *devices,
    ]


def _told(output: Path, console: bytes | None) -> str:
    """The ends of what the script and the kernel printed."""
    printed = output.read_text(errors="replace") if output.exists() else ""
    return f"{printed[-4000:]}\n{(console or b'').decode(errors='replace')[-4000:]}"


def missing() -> tuple[str, ...]:
    """What this host lacks for it, in words."""
    if platform.machine() != "x86_64":
        return (f"an x86-64 processor: this one is {platform.machine()}",)
    programs = [f"{name} (Debian's package {package})" for name, package in PACKAGES.items() if not shutil.which(name)]
    kernels = [] if _kernels() else [f"a kernel with its modules below /boot and /lib/modules ({KERNEL_PACKAGE})"]
    return (*programs, *kernels)


def _find_kernel() -> str:
    lacking = missing()
    if lacking:
        raise EmulatorError(f"there is no {', no '.join(lacking)}: install it by tests/install-programs")
    return _kernels()[-1]


def _kernels() -> list[str]:
    """The versions of the kernels that can have the host's files; that of clouds has no 9p. The newest is last."""
    versions = [path.name.removeprefix("vmlinuz-") for path in Path("/boot").glob("vmlinuz-*")]
    able = [name for name in versions if any(Path("/lib/modules", name).glob("kernel/fs/9p/9p.ko*"))]
    return sorted(able, key=natural_key)


@functools.cache
def _initrd(kernel: str) -> bytes:
    """The first root file system: the modules, what loads them, and what changes over to the host's files."""
    modules = list(dict.fromkeys(path for name in _MODULES for path in _module_files(kernel, name)))
    init = _INIT.format(modules=" ".join(_bare(path) for path in modules), shared=SHARED)
    busybox = Path(shutil.which("busybox") or "").read_bytes()
    return b"".join(
        (
            *(_entry(name, 0o40755) for name in ("bin", "dev", "proc", "root", "modules")),
            _entry("init", 0o100755, init.encode()),
            _entry("bin/busybox", 0o100755, busybox),
            *(_entry(f"modules/{_bare(path)}", 0o100644, _read(path)) for path in modules),
            _entry("TRAILER!!!", 0),
        )
    )


def _module_files(kernel: str, module: str) -> Iterator[Path]:
    """The files of a module and of those that it needs, in the order in which they are loaded."""
    command = ["modprobe", "--set-version", kernel, "--show-depends", module]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    yield from (Path(line.split()[1]) for line in shown.splitlines() if line.startswith("insmod "))


def _bare(path: Path) -> str:
    return path.name.removesuffix(".xz")


def _read(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _entry(name: str, mode: int, content: bytes = b"") -> bytes:
    """A file of an archive as the kernel unpacks it (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    fields: Iterable[int] = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
