"""The work behind `netwright lab --boot`: verify's verdicts, and the flows tried on machines that boot."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from netwright.commands.verify_request import Refusal
from netwright.commands.verify_work import Work
from netwright.lab import Progress, booted, plan_conversations, refuse_missing, tried_addresses
from netwright.production.production import Production
from netwright.text.counting import list_some
from netwright.topology.resolved import ResolvedTopology
from netwright.verify import Flow
from netwright.verify.network_model.building import read_configurations
from netwright.verify.network_model.network import Network
from netwright.verify.proof.proof import build_networks
from netwright.verify.values.boots import Boot
from netwright.verify_input.wiring import assume, wire

_NAMES = 6


class BootResult(Struct, frozen=True, kw_only=True):
    """Each flow's comparison, what became of virtual addresses, the remarks to print, and the time it took."""

    compared: tuple[booted.FlowInRounds, ...]
    moves: tuple[booted.Move, ...]
    remarks: tuple[str, ...]
    seconds: float


def read_images(texts: Iterable[str], resolved: ResolvedTopology) -> dict[str, Path]:
    """The root file systems that the user has, by system. Raises Refusal."""
    systems = {*wire(resolved).systems.values()}
    images: dict[str, Path] = {}
    for text in texts:
        system, equals, folder = text.partition("=")
        if not equals or not folder:
            raise Refusal(f"--image {text}", "names no folder; write it as OS=DIR, for example rocky9=/srv/rocky9")
        if system not in systems:
            there = list_some(sorted(systems), _NAMES) or "none that is configured"
            raise Refusal(f"--image {text}", f"no node has os: {system}; there are {there}")
        if system in images:
            raise Refusal(f"--image {text}", f"{system} has an image already: {images[system]}")
        images[system] = _check_image(text, Path(folder))
    return images


def _check_image(text: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise Refusal(f"--image {text}", f"{folder} is no folder; unpack the image, or mount it, and name where")
    starts = ("usr/lib/systemd/systemd", "lib/systemd/systemd", "sbin/init")
    if not any(os.path.lexists(folder / path) for path in starts):
        raise Refusal(f"--image {text}", f"{folder} is no root file system with systemd (no usr/lib/systemd/systemd)")
    return folder.resolve()


def what_is_missing(resolved: ResolvedTopology, images: dict[str, Path]) -> str | None:
    """Return why the network can't boot here, in words; None if it can."""
    systems = {*wire(resolved).systems.values()}
    return booted.missing(debian=bool(systems - images.keys()), ignition="flatcar" in systems)


def boot(
    production: Production,
    out: str,
    flows: Sequence[Flow],
    images: dict[str, Path],
    progress: Progress,
) -> BootResult:
    """Compare each flow on booted machines with verify's verdict. Raises LabError and Refusal."""
    start = time.monotonic()
    resolved = production.resolved
    refuse_missing(wire(resolved), assume(resolved))
    progress("proving the flows", 0, 0)
    work = Work(production=production, topology="", out=out, flows=tuple(flows), quiet=True)
    verification = work.judge(None, None, repair=False).verification
    forms = _forms(Path(out), resolved, flows)
    tried: dict[str, set[int]] = {}
    for form in forms:
        for space, ips in tried_addresses(form.trials).items():
            tried.setdefault(space, set()).update(ips)
    order = booted.BootOrder(
        out=Path(out),
        wiring=wire(resolved),
        assumptions=assume(resolved),
        images=images,
        tried={space: sorted(ips) for space, ips in tried.items()},
    )
    result = booted.boot_and_measure(order, forms, progress)
    proved = {one.flow.name: one.proved for one in verification.flows}
    return BootResult(
        compared=booted.compare(result, proved),
        moves=result.moves,
        remarks=result.remarks,
        seconds=time.monotonic() - start,
    )


def _forms(out: Path, resolved: ResolvedTopology, flows: Sequence[Flow]) -> tuple[booted.Form, ...]:
    """Return what to try on each boot, in each turn of virtual addresses: the topology's addresses, and verify's
    verdicts on them."""
    wiring, assumptions = wire(resolved), assume(resolved)
    networks = build_networks(read_configurations(out, wiring), wiring, assumptions)
    # Machines that boot run their commands themselves: what holds before that is over when they are asked.
    return tuple(_form(network, flows) for network in networks if network.boot != Boot.BEFORE)


def _form(network: Network, flows: Sequence[Flow]) -> booted.Form:
    return booted.Form(network=network, trials=plan_conversations(network, flows))
