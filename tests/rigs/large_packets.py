"""A client and a server behind two routers with a link of their own, in namespaces: whether large TCP segments pass."""

import subprocess
import sys
from collections.abc import Sequence

# A card of a veth pair lets a segment pass that is still to be cut (GSO), however long it is: none is made here.
_SCRIPT = r"""
set -e
mount -t tmpfs tmpfs /run
python=$1; filter=$2; shift 2
for name in client r1 r2 server; do ip netns add $name; ip -n $name link set lo up; done
join() {
    ip link add name $2 netns $1 type veth peer name $4 netns $3
    ip -n $1 link set $2 mtu $5 gso_max_segs 1 gso_max_size 1500 up
    ip -n $3 link set $4 mtu $6 gso_max_segs 1 gso_max_size 1500 up
}
join client e0 r1 e0 $1 $2
join r1 e1 r2 e0 $3 $4
join r2 e1 server e0 $5 $6
ip -n client addr add 10.1.0.10/24 dev e0; ip -n r1 addr add 10.1.0.1/24 dev e0
ip -n r1 addr add 10.9.0.1/24 dev e1; ip -n r2 addr add 10.9.0.2/24 dev e0
ip -n r2 addr add 10.2.0.1/24 dev e1; ip -n server addr add 10.2.0.10/24 dev e0
ip -n client route add default via 10.1.0.1; ip -n server route add default via 10.2.0.1
ip -n r1 route add 10.2.0.0/24 via 10.9.0.2; ip -n r2 route add 10.1.0.0/24 via 10.9.0.1
for name in r1 r2; do ip netns exec $name sysctl -qw net.ipv4.ip_forward=1; done
[ -z "$filter" ] || echo "$filter" | ip netns exec client nft -f -
ip netns exec server "$python" -c '
import socket
listener = socket.create_server(("10.2.0.10", 80))
print("ready", flush=True)
connection, _ = listener.accept()
left = 300000
while left > 0 and (got := connection.recv(65536)):
    left -= len(got)
connection.sendall(bytes(300000))
connection.recv(1)' > /run/ready & server=$!
until [ -s /run/ready ]; do sleep 0.05; done
ip netns exec client "$python" -c '
import socket
connection = socket.create_connection(("10.2.0.10", 80), 2)
left = 300000
try:
    connection.sendall(bytes(300000))
    while left > 0 and (got := connection.recv(65536)):
        left -= len(got)
except TimeoutError:
    pass
print("passes" if left <= 0 else "stalls")'
kill $server 2>/dev/null || true
"""


def large_segments_pass(mtus: Sequence[int], filter_: str) -> bool:
    """Return whether 300 kB pass both ways. `mtus` are the cards', from client to server, two a link; `filter_` is
    what the client's nft loads."""
    words = ["unshare", "--net", "--mount", "bash", "-c", _SCRIPT, "bash", sys.executable, filter_, *map(str, mtus)]
    run = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout in ("passes\n", "stalls\n"), run
    return run.stdout == "passes\n"
