"""The network of OUT in the kernel: every node a network namespace, every flow real packets."""

from gen.lab.building import Plan, Progress, built, read_plan
from gen.lab.keeping import enter_shell, keep, remove
from gen.lab.measuring import measure
from gen.lab.namespaces import LabError, Namespaces
from gen.lab.probes import Trial, plan_trials
from gen.lab.programs import NETWORKD, missing
from gen.lab.verdicts import Measured, render_json, render_text

__all__ = [
    "NETWORKD",
    "LabError",
    "Measured",
    "Namespaces",
    "Plan",
    "Progress",
    "Trial",
    "built",
    "enter_shell",
    "keep",
    "measure",
    "missing",
    "plan_trials",
    "read_plan",
    "remove",
    "render_json",
    "render_text",
]
