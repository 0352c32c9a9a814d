"""The stochastic protocol: judging training by minibatches, where no two right programs make the
same numbers.

Nothing here compares two trainings. Each epoch's batches are held against the data, each gradient
against the reference's at the student's own parameters, random state and batch, each step against a
real optimizer's from the student's own gradients. docs/decisions/008-stochastic-protocol.md says
what that sees and what it does not.
"""
