"""WireGuard in tests: public keys, whose private ones are kept nowhere, and a topology of two sites and a device."""

from collections.abc import Mapping

KEY1 = "P2AAqTvEtnAj43v//Kf5qHShY6+IXlT9zMg1oJTTVn8="
KEY2 = "EsbLlAQONetL0kQlRyUxQLB9OUv2Jjg7hlHmUufu0zQ="
KEY3 = "eF0jtV68zUh4fTLtG2nupWTfzf+PrXAvt7ixUkkYUU0="
STRANGER = "OBi34OXMt74UfayNoq8P/BS2DUGkxEXbIZa+SsS8NHs="
KEYS = {"site1": KEY1, "site2": KEY2, "hand": KEY3}


def two_sites(flows: Mapping[str, str], keys: Mapping[str, str] = KEYS) -> str:
    """Return the topology: a router between, a computer behind each site, and a device with a hand-off sheet."""
    stated = "".join(f"  {name}: {flow}\n" for name, flow in flows.items())
    return f"""
version: 1
name: tunnels
networks:
  lan1: {{cidr: 10.1.0.0/24, router: site1}}
  lan2: {{cidr: 10.2.0.0/24, router: site2}}
  wan1: {{cidr: 10.90.1.0/24}}
  wan2: {{cidr: 10.90.2.0/24}}
  mesh: {{cidr: 10.8.0.0/24, wireguard: {{}}}}
defaults: {{default_route: none}}
groups:
  sites: {{forward: true, firewall: {{input: {{policy: drop}}}}}}
nodes:
  isp: {{os: flatcar, forward: true, interfaces: {{
    eth0: {{network: wan1, address: 10.90.1.1}}, eth1: {{network: wan2, address: 10.90.2.1}}}}}}
  site1:
    os: flatcar
    groups: [sites]
    interfaces:
      eth0: {{network: lan1, address: 10.1.0.1}}
      eth1: {{network: wan1, address: 10.90.1.2}}
      wg0: {{wireguard: {{public_key: "{keys["site1"]}"}}, network: mesh, address: 10.8.0.1}}
  site2:
    os: rocky9
    network_config: keyfile
    firewalld: absent
    groups: [sites]
    interfaces:
      eth0: {{network: lan2, address: 10.2.0.1}}
      eth1: {{network: wan2, address: 10.90.2.2}}
      wg0: {{wireguard: {{public_key: "{keys["site2"]}", port: 51821}}, network: mesh, address: 10.8.0.2}}
  hand:
    os: unmanaged
    interfaces:
      wan: {{network: wan2, address: 10.90.2.9}}
      wg0: {{wireguard: {{public_key: "{keys["hand"]}"}}, network: mesh, address: 10.8.0.9}}
  pc1: {{os: flatcar, interfaces: {{eth0: {{network: lan1, address: 10.1.0.5}}}}}}
  pc2: {{os: flatcar, interfaces: {{eth0: {{network: lan2, address: 10.2.0.5}}}}}}
flows:
{stated}"""
