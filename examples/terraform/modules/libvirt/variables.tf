variable "nodes" {
  description = "Nodes by name, as netwright export --format tfvars prints them."
  type        = any
}

variable "networks" {
  description = "Networks by name, as netwright export --format tfvars prints them."
  type        = any
}

variable "out" {
  description = "The directory OUT that netwright generate wrote."
  type        = string
}

variable "images" {
  description = "Address or path of a qcow2 image for each os of the guests."
  type        = map(string)
}

variable "sizes" {
  description = "Memory in MiB, number of CPUs, and size of the disk in GiB, of guests that differ from the default."
  type = map(object({
    memory = optional(number, 4096)
    vcpu   = optional(number, 2)
    disk   = optional(number, 20)
  }))
  default = {}
}

variable "pool" {
  description = "The storage pool of all volumes."
  type        = string
  default     = "default"
}
