"""The report of a comparison, in Markdown and HTML."""
