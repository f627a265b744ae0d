"""`wagate bench`: the figures that are promised, each beside the bare limit measured in the same run."""
