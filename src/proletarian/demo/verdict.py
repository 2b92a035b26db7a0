"""Whether the promise was kept: counted from the accounts, the archive and the mails that arrived."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from proletarian.demo.books import Finished


@dataclass(frozen=True)
class Verdict:
    """
    What was promised: a mail for every account, none to anybody else, and no mail twice without need.

    >>> jobs = [Finished("ann", "success", lost=1), Finished("bob", "success", lost=0)]
    >>> Verdict({"ann", "bob"}, rolled_back=1, deliveries={"ann": 2, "bob": 1}, refused=0, jobs=jobs, recovery=1.2).kept
    True
    >>> Verdict({"ann", "bob"}, rolled_back=1, deliveries={"ann": 1}, refused=0, jobs=jobs, recovery=1.2).kept
    False
    """

    accounts: Collection[str]
    rolled_back: int
    deliveries: Mapping[str, int]
    refused: int
    jobs: Collection[Finished]
    recovery: float | None

    @property
    def without_mail(self) -> set[str]:
        """Accounts that got no mail."""
        return set(self.accounts) - self.deliveries.keys()

    @property
    def without_account(self) -> set[str]:
        """Mails to people who have no account: their sign-up was rolled back."""
        return self.deliveries.keys() - set(self.accounts)

    @property
    def twice(self) -> set[str]:
        """Accounts that got more than one mail."""
        return {address for address, count in self.deliveries.items() if count > 1}

    @property
    def lost(self) -> set[str]:
        """Accounts whose job the killed worker held."""
        return {job.address for job in self.jobs if job.lost}

    @property
    def needless(self) -> set[str]:
        """Mails that came twice although their worker did not die."""
        return self.twice - self.lost

    @property
    def unfinished(self) -> int:
        """Accounts whose job did not succeed."""
        return len(self.accounts) - sum(job.status == "success" for job in self.jobs)

    @property
    def kept(self) -> bool:
        """Whether the whole promise was kept."""
        return not (self.without_mail or self.without_account or self.needless or self.unfinished)

    def lines(self) -> list[str]:
        """The result, for people."""
        recovery = "never" if self.recovery is None else f"{self.recovery:.2f} s"
        counts: list[tuple[str, str]] = [
            ("accounts committed", f"{len(self.accounts):,}"),
            ("  without their email", f"{len(self.without_mail):,}"),
            ("sign-ups rolled back", f"{self.rolled_back:,}"),
            ("  but with an email", f"{len(self.without_account):,}"),
            ("emails refused at first and retried", f"{self.refused:,}"),
            ("jobs that the killed worker held", f"{len(self.lost):,}"),
            ("  until the first of them ran again", recovery),
            ("  delivered twice", f"{len(self.twice & self.lost):,}"),
            ("delivered twice without need", f"{len(self.needless):,}"),
        ]
        lines = [f"{name:<40}{count:>8}" for name, count in counts]
        if self.twice & self.lost:
            lines += [
                "",
                "Delivered twice: the email had been sent, but its worker was killed before it could record that.",
            ]
        return [*lines, "", "The promise was kept." if self.kept else "THE PROMISE WAS BROKEN."]
