"""Where handlers run: child processes, and executors."""
