"""What runs a worker's jobs: slots, and the threads and the event loop that fill them."""
