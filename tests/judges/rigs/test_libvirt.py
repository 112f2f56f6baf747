"""The rig of virt-xml-validate sees values that no network may have."""

from pathlib import Path

import pytest

from tests.rigs import libvirt

XML = """\
<network>
  <name>kube01</name>
  <forward mode='open'/>
  <bridge name='virbr_kube01'/>
  <ip address='10.17.3.1' prefix='24'/>
  <route address='10.42.0.0' prefix='24' gateway='10.17.3.12' metric='1'/>
</network>
"""


@pytest.mark.parametrize(
    ("text", "right"),
    [
        pytest.param(XML, True, id="right"),
        pytest.param(XML.replace("'open'", "'opened'"), False, id="unknown mode"),
        pytest.param(XML.replace("10.42.0.0", "10.42"), False, id="half an address"),
        pytest.param(XML.replace("<ip ", "<ipv4 "), False, id="unknown element"),
    ],
)
def test_libvirt_reads_a_network(tmp_path: Path, text: str, right: bool) -> None:
    file = tmp_path / "kube01.xml"
    file.write_text(text)

    complaints = libvirt.network_complaints(str(file))

    assert (complaints == "") is right
