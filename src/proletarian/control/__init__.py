"""What else an application may do on its connection: act on jobs, pause queues, set limits, control schedules."""
