"""`wagate doctor`: one small check for each known problem, each with its remedy."""
