"""
Telling people what a tick met: a report failed, was refused, is late, or awaits approval.

A notice names reports, times and codes; never a value from data, and never the text of an error.
"""
