"""The network of OUT on machines that boot: each node a systemd of its own, with what is delivered to it."""

from netwright.lab.booted.building import BootOrder
from netwright.lab.booted.moving import Move
from netwright.lab.booted.needs import missing
from netwright.lab.booted.report import FlowInRounds, compare, is_fine, render_json, render_text
from netwright.lab.booted.rounds import Booted, Form, boot_and_measure

__all__ = [
    "BootOrder",
    "Booted",
    "FlowInRounds",
    "Form",
    "Move",
    "boot_and_measure",
    "compare",
    "is_fine",
    "missing",
    "render_json",
    "render_text",
]
