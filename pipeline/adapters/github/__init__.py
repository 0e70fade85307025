"""GitHub's REST API."""

from pipeline.adapters.github.answers import Busy, Refused
from pipeline.adapters.github.connection import Patience
from pipeline.adapters.github.forge import GitHubForge
from pipeline.adapters.github.repository import API_URL, GitHub, RunPeople

__all__ = ["API_URL", "Busy", "GitHub", "GitHubForge", "Patience", "Refused", "RunPeople"]
