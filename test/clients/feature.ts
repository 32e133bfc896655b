export type Feature =
  | "list of models"
  | "chat"
  | "stream"
  | "usage"
  | "abort"
  | "tools"
  | "streamed tools"
  | "JSON schema"
  | "images"
  | "n"
  | "logprobs"
  | "errors as its own classes"
  | "retries not doubled"
  | "50 in parallel"
  | "session headers";

/** The rows of the matrix, in its order. */
export const FEATURES: readonly Feature[] = [
  "list of models",
  "chat",
  "stream",
  "usage",
  "abort",
  "tools",
  "streamed tools",
  "JSON schema",
  "images",
  "n",
  "logprobs",
  "errors as its own classes",
  "retries not doubled",
  "50 in parallel",
  "session headers",
];
