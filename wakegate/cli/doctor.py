"""doctor."""


def add(c): ...
