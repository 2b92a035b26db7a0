"""Connects the library to frameworks; each module or folder is for one and needs it installed."""
