# All that the file has, so that Terraform knows each value.
variable "cluster" {
  description = "Name of the topology."
  type        = string
}

variable "nodes" {
  description = "Nodes by name."
  type        = any
}

variable "networks" {
  description = "Networks by name."
  type        = any
}

variable "virtual_addresses" {
  description = "Virtual addresses by name, each with its holders and ports."
  type        = any
}

variable "kubernetes" {
  description = "Networks and address of Kubernetes; null without it."
  type        = any
}

variable "pools" {
  description = "Ranges of addresses that several nodes answer for, by name."
  type        = any
}

variable "forwards" {
  description = "Port forwards by name."
  type        = any
}
