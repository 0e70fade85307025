"""The three quality gates, and the deployment checklist that they tick."""
