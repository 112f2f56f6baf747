"""The network of OUT in the kernel: every node a network namespace, every flow real packets."""

from netwright.lab.applying import Choice, Progress, choose_programs
from netwright.lab.building import Lab, LabPlan, built, names_of, read_plans
from netwright.lab.conversations import plan_conversations, tried_addresses
from netwright.lab.devices import refuse_missing
from netwright.lab.keeping import Kept, find_kept, inside, keep, list_kept, remove
from netwright.lab.measuring import measure
from netwright.lab.namespaces import LabError, Namespaces
from netwright.lab.probes import Trial
from netwright.lab.programs import missing
from netwright.lab.shell import run_shell
from netwright.lab.verdicts import Measured, combine, render_json, render_text

__all__ = [
    "Choice",
    "Kept",
    "Lab",
    "LabError",
    "LabPlan",
    "Measured",
    "Namespaces",
    "Progress",
    "Trial",
    "built",
    "choose_programs",
    "combine",
    "find_kept",
    "inside",
    "keep",
    "list_kept",
    "measure",
    "missing",
    "names_of",
    "plan_conversations",
    "read_plans",
    "refuse_missing",
    "remove",
    "render_json",
    "render_text",
    "run_shell",
    "tried_addresses",
]
