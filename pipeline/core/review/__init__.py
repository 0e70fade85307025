"""What a pull request must be before it may be merged, judged by main."""
