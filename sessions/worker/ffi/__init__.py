"""The C interface of the WhatsApp library: every function we call with its types, a file per area, no logic."""
