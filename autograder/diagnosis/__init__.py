"""From a failed run to a finding: the reference run at the states that the student's run went
through, and runs of known mistakes beside it.
"""
