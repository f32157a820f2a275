"""The shop: a folder for each service. Of one another they import events only."""
