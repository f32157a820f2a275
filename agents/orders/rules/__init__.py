"""What happens to an order, as functions of values: no tables, no sends, no clock.

`decide` in `deciding.py` is the way in. Each event is first learned, which never goes back (a stock that was freed
stays freed, whatever comes late); what is known then moves the order on as far as it goes; last, an order that was
given up gives back what it holds. So repeats change nothing, and other services' events may come in any order.
"""
