"""What the static site shows, read from git alone: no checkout, no server, no clock."""
