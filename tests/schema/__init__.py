"""Schemas, what is said of documents that differ from them, and the reference made of one."""
