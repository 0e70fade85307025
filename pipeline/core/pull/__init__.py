"""The text of a retrain pull request."""
