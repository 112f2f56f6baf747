"""Flows -> verdicts: classes of addresses, cases, findings, and what does not depend on any flow."""
