"""A forge in a folder, beside a plain git repository: for work offline, and for the demo."""

from pipeline.adapters.local_forge.forge import Branches, LocalForge
from pipeline.adapters.local_forge.records import LOGIN

__all__ = ["LOGIN", "Branches", "LocalForge"]
