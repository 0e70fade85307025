"""A replay of the past through the triggers, and the thresholds that it suggests."""
