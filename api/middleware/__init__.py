"""What every request passes, from the outside in: client address, correlation, accounting, security headers, failures,
body limits, rate limits."""
