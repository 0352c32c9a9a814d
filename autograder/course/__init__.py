"""An opened course: its assignments made ready, what runs of them depend on, and where results
lie.
"""
