"""Schedules: when they tick, and that each tick becomes one job."""
