"""
How fast, and what it costs: measured, fitted, planned and simulated.

    load  ->  Sweep  ->  laws, fits  ->  servers  ->  cost  ->  plan
    (ab, open loop)      (pure)          (pure)       (pure)    (tables, plots)

A measurement that can't be believed is refused by name and with its values (honesty.py), and
a plan is only made of one that can.
"""
