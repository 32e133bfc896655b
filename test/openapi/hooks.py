"""What generated requests need so that they come as far as an emulated engine."""

import schemathesis


@schemathesis.hook
def map_body(ctx, body):
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("model"), str) and body["model"]:
        # Embeddings are of a single model.
        body["model"] = "small" if ctx.operation.path == "/v1/embeddings" else "chimera"
    if isinstance(body.get("prompt"), list) and body["prompt"]:
        # An emulated engine takes one prompt a request.
        body["prompt"] = ["Hello"]
    return body
