"""Groups and communities: what members may do, who is told, and how messages reach everybody."""
