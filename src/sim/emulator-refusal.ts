/** An error answer, in the shapes of vLLM 0.32. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** Faults of the request's content: type `BadRequestError`. */
export function badRequest(message: string, param: string | null): Refusal {
  return refusal(400, "BadRequestError", { message, param });
}

/** Bodies that the API's schema refuses: type `Bad Request`, message in the words of its validator. */
export function invalidBody(type: string, location: string, message: string): Refusal {
  const detail = `1 validation error:\n  {'type': '${type}', 'loc': '${location}', 'msg': '${message}'}`;
  return refusal(400, "Bad Request", { message: detail, param: location });
}

export function notFound(message: string, param: string | null): Refusal {
  return refusal(404, "NotFoundError", { message, param });
}

export function unknownModel(asked: string, model: string): Refusal {
  return notFound(`The model \`${asked}\` does not exist. Valid aliases: ${model}.`, "model");
}

/** The engine's own queue is full, or it is about to leave. */
export const busy: Refusal = refusal(503, "Service Unavailable", {
  message:
    "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.",
  param: null,
});

export const internalError: Refusal = refusal(500, "InternalServerError", {
  message: "Internal server error",
  param: null,
});

export const bodyTooLarge: Refusal = refusal(413, "Request Entity Too Large", {
  message: "The request body is too large.",
  param: null,
});

/** What the framework below the API says of foreign paths and methods. */
export const unknownPath: Refusal = { status: 404, body: `{"detail":"Not Found"}` };
export const wrongMethod: Refusal = { status: 405, body: `{"detail":"Method Not Allowed"}` };
export const undecodableBody: Refusal = {
  status: 400,
  body: `{"detail":"There was an error parsing the body"}`,
};

function refusal(
  status: number,
  type: string,
  { message, param }: { readonly message: string; readonly param: string | null },
): Refusal {
  return { status, body: JSON.stringify({ error: { message, type, param, code: status } }) };
}
