"""Principles and the people before them → which are chosen, in which order, with whose words."""
