"""Connections of our own, for workers and commands: opened by a URL, and made anew when they break."""
