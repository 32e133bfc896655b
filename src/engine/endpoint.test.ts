import { expect, it } from "vitest";
import { ENGINE_KINDS, engineAddress, engineTraits } from "./endpoint.ts";

it.each([
  ["http://h:8000", "http://h:8000", "", "/v1"],
  ["http://h:8000/", "http://h:8000", "", "/v1"],
  ["http://h:8000/v1", "http://h:8000", "", "/v1"],
  ["http://h:8000/v1/", "http://h:8000", "", "/v1"],
  ["https://h/api/v1", "https://h", "/api", "/api/v1"],
  ["https://h/prefix", "https://h", "/prefix", "/prefix/v1"],
  ["https://h/v1beta/openai/", "https://h", "", "/v1beta/openai"],
])("%s", (url, origin, rootPath, apiPath) => {
  expect(engineAddress(url)).toEqual({ origin, rootPath, apiPath });
});

it("other schemes are refused", () => {
  expect(() => engineAddress("ftp://h")).toThrow(TypeError);
  expect(() => engineAddress("h:8000")).toThrow(TypeError);
});

it("requests are over-committed only where one that waits can be taken back", () => {
  const overCommitted = ENGINE_KINDS.filter((kind) => engineTraits(kind).overCommit === 1);
  expect(overCommitted).toEqual(["vllm", "sglang"]);
});
