"""The control API, its client and the page of the virtual phones."""
