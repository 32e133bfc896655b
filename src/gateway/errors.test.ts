import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ERRORS, errorBody, errorOfOutcome, gatewayError, quoted, retryHeaders } from "./errors.ts";

const page = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");

function documentedErrors(): Map<string, { status: number; type: string; retryable: boolean }> {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (\d+) +\| `(\w+)` +\| (yes|no) +\|/gm)];
  return new Map(
    rows.map(([, code = "", status, type = "", again]) => [
      code,
      { status: Number(status), type, retryable: again === "yes" },
    ]),
  );
}

describe("the catalogue", () => {
  test("equals the table in docs/errors.md, in its order", () => {
    const listed = Object.entries(ERRORS).map(([code, { status, type, retryable }]) => [
      code,
      { status, type, retryable },
    ]);
    expect([...documentedErrors()]).toEqual(listed);
  });

  test("is sorted by status", () => {
    const statuses = Object.values(ERRORS).map((kind) => kind.status);
    expect(statuses).toEqual(statuses.toSorted((a, b) => a - b));
  });
});

describe("an error as it is told", () => {
  test("is an OpenAI error object with the catalogue's sentence first", () => {
    const error = gatewayError("model_not_found", { detail: "Asked for x.", param: "model" });
    expect(errorBody(error)).toEqual({
      error: {
        message: "No model of that name is configured. Asked for x.",
        type: "invalid_request_error",
        param: "model",
        code: "model_not_found",
      },
    });
  });

  test("names the time of the next try in whole seconds, at least one", () => {
    expect(retryHeaders(errorOfOutcome("queue-full", 1200))).toEqual({ "retry-after": "2" });
    expect(retryHeaders(errorOfOutcome("queue-full", 0))).toEqual({ "retry-after": "1" });
  });

  test("stops the libraries' own retries only where they would retry in vain", () => {
    expect(retryHeaders(gatewayError("engine_failed"))).toEqual({ "x-should-retry": "false" });
    expect(retryHeaders(gatewayError("no_engine"))).toEqual({});
    expect(retryHeaders(gatewayError("invalid_json"))).toEqual({});
  });

  test("repeats foreign text only up to a bound", () => {
    expect(quoted("m".repeat(5000)).length).toBeLessThan(210);
    expect(quoted('a"b')).toBe('"a\\"b"');
  });
});
