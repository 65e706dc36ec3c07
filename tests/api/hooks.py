"""How schemathesis sends a body that is neither JSON nor a form: as it is."""

import schemathesis


@schemathesis.serializer("application/toml")
def toml(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
