"""What every request passes, from the outside in: correlation, accounting, security headers, failures, body limits."""
