"""Rules of all programs that are known: what each may do to the network."""

from collections.abc import Mapping

from netwright.verify.reading.running.judge import ProgramRule
from netwright.verify.reading.running.rules_of_containers import RULES_OF_CONTAINERS
from netwright.verify.reading.running.rules_of_files import RULES_OF_FILES
from netwright.verify.reading.running.rules_of_network import RULES_OF_NETWORK
from netwright.verify.reading.running.rules_of_packages import RULES_OF_PACKAGES
from netwright.verify.reading.running.rules_of_shells import RULES_OF_SHELLS
from netwright.verify.reading.running.rules_of_systems import RULES_OF_SYSTEMS

RULES: Mapping[str, ProgramRule] = {
    **RULES_OF_FILES,
    **RULES_OF_SHELLS,
    **RULES_OF_SYSTEMS,
    **RULES_OF_NETWORK,
    **RULES_OF_PACKAGES,
    **RULES_OF_CONTAINERS,
}
