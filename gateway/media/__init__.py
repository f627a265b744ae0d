"""Files that go out and come in, kept once per organization."""
