"""The Signal protocol in pure Python: what phones and linked devices encrypt with."""
