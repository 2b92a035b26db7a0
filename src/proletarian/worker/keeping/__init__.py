"""Keeps a fleet of workers healthy: signs of life, and what is done after a worker has died."""
