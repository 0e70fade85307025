"""The dashboard issue: how every model is, in one screen."""
