"""Champion against challenger on the same holdout rows: statistics, gates, and the verdict."""
