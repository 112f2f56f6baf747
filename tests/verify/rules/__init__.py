"""One small world for each rule of forwarding: what must come of one conversation in it.

Every world is judged by the model, and by the kernel.
"""

from collections.abc import Mapping

from tests.verify.rules.arp import ARP
from tests.verify.rules.boxes import RuleCase
from tests.verify.rules.bridging import BRIDGING
from tests.verify.rules.filtering import FILTER, FORWARDING
from tests.verify.rules.next_hops import NEXT_HOPS
from tests.verify.rules.reverse_path import REVERSE_PATH
from tests.verify.rules.routing import ROUTING
from tests.verify.rules.translation import TRANSLATION

CASES: Mapping[str, RuleCase] = {
    **ROUTING,
    **NEXT_HOPS,
    **REVERSE_PATH,
    **ARP,
    **FORWARDING,
    **FILTER,
    **TRANSLATION,
    **BRIDGING,
}
