"""`wagate torture`: the promises about reliability, held while everything is killed, cut and flooded."""
