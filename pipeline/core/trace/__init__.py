"""From a served model back to its data, code, approvals and commits, each link verified."""
