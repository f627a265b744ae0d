"""Webhooks: endpoints that are told what happens, and the deliveries that tell them."""
