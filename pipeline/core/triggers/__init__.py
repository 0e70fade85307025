"""When a retrain is due, and how it happens once: rules, ledger and payloads."""
