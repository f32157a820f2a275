"""The HTTP edge: writes that become commands and events, reads of what agents keep, and the state of this process."""
