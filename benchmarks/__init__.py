"""How fast Proletarian is, side by side with what a user would use instead, in one run; see README.md."""
