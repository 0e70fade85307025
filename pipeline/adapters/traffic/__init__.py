"""Traffic providers: who serves, and how large a share of the users the challenger has."""

from pipeline.adapters.traffic.base import BASIS_POINTS, USER_HEADER, Backend, Traffic, Weights

__all__ = ["BASIS_POINTS", "USER_HEADER", "Backend", "Traffic", "Weights"]
