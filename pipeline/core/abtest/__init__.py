"""A/B tests whose answer stays true however often one looks."""
