# Names of release 0.9 of the provider, which follows libvirt's XML.
resource "libvirt_volume" "base" {
  for_each = toset([for guest in values(local.guests) : guest.os])
  name     = "${each.key}.qcow2"
  pool     = var.pool
  target   = { format = { type = "qcow2" } }
  create   = { content = { url = var.images[each.key] } }
}

# Flatcar takes its Ignition config from QEMU's firmware configuration.
resource "libvirt_ignition" "node" {
  for_each = local.flatcar
  name     = "${each.key}.ign"
  content  = file("${var.out}/${each.key}/${each.key}.ign")
}

# Rocky Linux takes its seed from a disk.
resource "libvirt_cloudinit_disk" "node" {
  for_each       = local.rocky
  name           = "${each.key}-seed"
  user_data      = file("${var.out}/${each.key}/cloud-init/user-data")
  meta_data      = file("${var.out}/${each.key}/cloud-init/meta-data")
  network_config = file("${var.out}/${each.key}/cloud-init/network-config")
}

resource "libvirt_volume" "seed" {
  for_each = local.rocky
  name     = "${each.key}-seed.iso"
  pool     = var.pool
  create   = { content = { url = libvirt_cloudinit_disk.node[each.key].path } }
}

resource "terraform_data" "provisioning" {
  for_each = local.guests
  input    = filesha256("${var.out}/${each.key}/${each.value.provisioning == "ignition" ? "${each.key}.ign" : "cloud-init/user-data"}")
}

# Both act on the first boot only: another config is another machine.
resource "libvirt_volume" "disk" {
  for_each      = local.guests
  name          = "${each.key}.qcow2"
  pool          = var.pool
  capacity      = each.value.size.disk * 1024 * 1024 * 1024
  backing_store = { path = libvirt_volume.base[each.value.os].path, format = { type = "qcow2" } }
  target        = { format = { type = "qcow2" } }

  lifecycle {
    ignore_changes       = all
    replace_triggered_by = [terraform_data.provisioning[each.key]]
  }
}

resource "libvirt_domain" "node" {
  for_each    = local.guests
  name        = each.key
  type        = "kvm"
  memory      = each.value.size.memory
  memory_unit = "MiB"
  vcpu        = each.value.size.vcpu
  running     = true
  os          = { type = "hvm", type_arch = "x86_64", type_machine = "q35" }
  features    = { acpi = true }

  sys_info = each.value.provisioning != "ignition" ? null : [{
    fw_cfg = {
      entry = [{ name = "opt/org.flatcar-linux/config", file = libvirt_ignition.node[each.key].path, value = "" }]
    }
  }]

  devices = {
    disks = concat(
      [{
        device = "disk"
        driver = { name = "qemu", type = "qcow2" }
        target = { dev = "vda", bus = "virtio" }
        source = { volume = { pool = var.pool, volume = libvirt_volume.disk[each.key].name } }
      }],
      [for seed in each.value.provisioning == "cloud-init" ? [libvirt_volume.seed[each.key].name] : [] : {
        device = "cdrom"
        driver = { name = "qemu", type = "raw" }
        target = { dev = "sda", bus = "sata" }
        source = { volume = { pool = var.pool, volume = seed } }
      }],
    )
    interfaces = [for card in each.value.cards : {
      model  = { type = "virtio" }
      mac    = card.mac == null ? null : { address = card.mac }
      source = { network = { network = card.network } }
    }]
  }

  lifecycle {
    replace_triggered_by = [libvirt_volume.disk[each.key].id]
  }
}
