# Written by netwright; edit the topology instead.
# Make a key file once, and put the public key into the topology:
#   (umask 077; mkdir -p /etc/wireguard; wg genkey > FILE); wg pubkey < FILE
#
# NetworkManager takes private keys from its profiles only: each profile gets a copy with its key, which comes before it.
set -e
umask 077
mkdir -p /run/NetworkManager/system-connections
cd /etc/NetworkManager/system-connections

if key=$(cat /etc/wireguard/wg0.key); then
  {
    cat wg0.nmconnection
    printf '\n[wireguard]\nprivate-key=%s\n' "$key"
  } > /run/NetworkManager/system-connections/wg0.nmconnection
fi
