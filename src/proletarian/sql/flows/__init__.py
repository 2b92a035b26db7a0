"""
Jobs that wait for others: which jobs are told that one has ended, and what happens to those that wait.

An acknowledgement tells (`telling`), a release counts (`releasing`), and edges that an acknowledgement cannot see are
looked for (`late`). `flows.sql` has the statements, and explains why there are three steps.
"""
