"""What an application may do on its connection besides: act on jobs, pause queues, set limits, steer schedules."""
