"""The gate's rules, a file each. What they say and in which order they are asked stands in the gate."""
