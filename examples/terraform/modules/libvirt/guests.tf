# Which nodes are guests: those with a card on a network of libvirt's, but for the host, which is its router.
locals {
  bridged = { for name, network in var.networks : name => network if network.bridge != null }
  hosts   = toset([for network in values(local.bridged) : network.gateway_node])

  guests = {
    for name, node in var.nodes : name => merge(
      node,
      {
        # A card's network is that of its first address.
        cards = [
          for card in values(node.interfaces) : { mac = card.mac, network = card.addresses[0].network }
          if try(contains(keys(local.bridged), card.addresses[0].network), false)
        ]
        size = lookup(var.sizes, name, { memory = 4096, vcpu = 2, disk = 20 })
      },
    )
    if !contains(local.hosts, name) && node.provisioning != null && anytrue([
      for card in values(node.interfaces) : try(contains(keys(local.bridged), card.addresses[0].network), false)
    ])
  }

  flatcar = { for name, guest in local.guests : name => guest if guest.provisioning == "ignition" }
  rocky   = { for name, guest in local.guests : name => guest if guest.provisioning == "cloud-init" }
}

output "addresses" {
  description = "The main address of each guest, by name."
  value       = { for name, guest in local.guests : name => guest.address }
}
