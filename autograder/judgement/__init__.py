"""Judging: functions of evidence. Nothing in this room runs student code."""
