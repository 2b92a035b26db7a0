"""What the plans promise under any interleaving, against a small model in memory."""
