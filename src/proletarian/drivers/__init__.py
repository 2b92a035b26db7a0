"""Carries out plans on any connection; the only place that imports database libraries."""
