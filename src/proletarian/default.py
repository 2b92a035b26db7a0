"""The default queue: its methods are the functions of the same names in `proletarian`."""

from __future__ import annotations

from proletarian.queue import Queue

DEFAULT = Queue()
enqueue = DEFAULT.enqueue
aenqueue = DEFAULT.aenqueue
enqueue_many = DEFAULT.enqueue_many
aenqueue_many = DEFAULT.aenqueue_many
find_job = DEFAULT.find_job
afind_job = DEFAULT.afind_job
find_jobs = DEFAULT.find_jobs
afind_jobs = DEFAULT.afind_jobs
count_jobs = DEFAULT.count_jobs
acount_jobs = DEFAULT.acount_jobs
queue_stats = DEFAULT.queue_stats
aqueue_stats = DEFAULT.aqueue_stats
list_workers = DEFAULT.list_workers
alist_workers = DEFAULT.alist_workers
throughput = DEFAULT.throughput
athroughput = DEFAULT.athroughput
failure_groups = DEFAULT.failure_groups
afailure_groups = DEFAULT.afailure_groups
cancel = DEFAULT.cancel
acancel = DEFAULT.acancel
retry = DEFAULT.retry
aretry = DEFAULT.aretry
reschedule = DEFAULT.reschedule
areschedule = DEFAULT.areschedule
delete_jobs = DEFAULT.delete_jobs
adelete_jobs = DEFAULT.adelete_jobs
pause = DEFAULT.pause
apause = DEFAULT.apause
resume = DEFAULT.resume
aresume = DEFAULT.aresume
pauses = DEFAULT.pauses
apauses = DEFAULT.apauses
set_schedule = DEFAULT.set_schedule
aset_schedule = DEFAULT.aset_schedule
pause_schedule = DEFAULT.pause_schedule
apause_schedule = DEFAULT.apause_schedule
resume_schedule = DEFAULT.resume_schedule
aresume_schedule = DEFAULT.aresume_schedule
run_schedule = DEFAULT.run_schedule
arun_schedule = DEFAULT.arun_schedule
delete_schedule = DEFAULT.delete_schedule
adelete_schedule = DEFAULT.adelete_schedule
find_schedules = DEFAULT.find_schedules
afind_schedules = DEFAULT.afind_schedules
wait_for = DEFAULT.wait_for
await_for = DEFAULT.await_for
set_limit = DEFAULT.set_limit
aset_limit = DEFAULT.aset_limit
reset_limit = DEFAULT.reset_limit
areset_limit = DEFAULT.areset_limit
limits = DEFAULT.limits
alimits = DEFAULT.alimits
