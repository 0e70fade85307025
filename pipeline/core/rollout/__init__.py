"""The reconciler of rollouts: from spec, status and observation to one step."""
