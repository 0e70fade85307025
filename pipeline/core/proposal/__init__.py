"""From a finished run to the steps that its pull request still needs."""
