"""Git, by its plumbing: no checkout is touched, and nothing is ever forced."""
