"""Our own connections, for workers and commands: opened from a URL, and reopened when they break."""
