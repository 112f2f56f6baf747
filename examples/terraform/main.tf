# The guests of one KVM host. cluster.auto.tfvars.json has their values: netwright export --format tfvars > it.
terraform {
  required_providers {
    libvirt = {
      source  = "dmacvicar/libvirt"
      version = "~> 0.9.2"
    }
  }
}

provider "libvirt" {
  uri = "qemu+ssh://root@192.168.0.40/system"
}

module "guests" {
  source   = "./modules/libvirt"
  nodes    = var.nodes
  networks = var.networks
  out      = "${path.root}/out"

  images = {
    flatcar = "https://stable.release.flatcar-linux.net/amd64-usr/current/flatcar_production_qemu_image.img"
    rocky10 = "https://dl.rockylinux.org/pub/rocky/10/images/x86_64/Rocky-10-GenericCloud-Base.latest.x86_64.qcow2"
  }

  sizes = {
    web1 = { memory = 8192, vcpu = 4 }
  }
}

output "addresses" {
  description = "The main address of each guest, by name."
  value       = module.guests.addresses
}
