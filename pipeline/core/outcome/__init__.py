"""What became of a merged retrain, and whether it kept its promise."""
