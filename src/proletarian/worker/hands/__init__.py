"""What runs the jobs of a worker: slots, and threads and an event loop to fill them."""
