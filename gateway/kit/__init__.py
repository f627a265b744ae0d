"""Tools that know no domain word; anybody in the gateway may import them."""
