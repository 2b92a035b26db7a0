"""
Jobs that wait for others: who is told that one has ended, and what becomes of those that wait.

An acknowledgement tells (`telling`), a release counts (`releasing`), and what an acknowledgement cannot see is looked
for (`late`). See `flows.sql` for why these are three; the statements of all stand there.
"""
