"""A repository's settings: wished, found, and what to do about it."""
