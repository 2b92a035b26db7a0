"""Telemetry, against real workers."""
