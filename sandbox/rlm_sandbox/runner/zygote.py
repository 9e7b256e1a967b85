"""Written next."""


def serve(control: int) -> None:
    raise NotImplementedError(control)
