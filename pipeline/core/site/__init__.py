"""The site of every model as values, pages and pictures."""
