import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type AppOptions, createApp } from "../../src/gateway/app.ts";
import { SURFACES } from "../../src/gateway/surfaces.ts";
import { openApiDocument } from "./document.ts";

interface Document {
  readonly paths: Readonly<Record<string, object>>;
}

const text = readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8");
const committed: Document = JSON.parse(text);

/** Where the gateway answers, but for the page at /ui; a path's parameters without their names. */
function routes(): string[] {
  // Routes use what they are given only when a request comes.
  const nothing: AppOptions = JSON.parse('{"door":{},"ui":{}}');
  const plain = createApp(nothing)
    .routes.filter(({ method, path }) => method !== "ALL" && !path.startsWith("/ui"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+\{\[\^\]\+\}/g, "{}")}`);
  return [...plain, ...Array.from(SURFACES.keys(), (path) => `POST ${path}`)];
}

/** What stands at a JSON pointer. */
function valueAt(pointer: string): unknown {
  const [, ...keys] = pointer.split("/");
  return keys.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    committed,
  );
}

describe("the OpenAPI document", () => {
  it("is what the code gives; `npm run docs` writes it", () => {
    expect(committed).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  it("has the routes of the server, and no others", () => {
    const documented = Object.entries(committed.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, "{}")}`,
      ),
    );
    expect(documented.toSorted()).toEqual(routes().toSorted());
  });

  it("refers to what it has", () => {
    const targets = Array.from(text.matchAll(/"\$ref": "#([^"]+)"/g), ([, target = ""]) => target);
    expect(targets.length).toBeGreaterThan(100);
    expect(targets.filter((target) => valueAt(target) === undefined)).toEqual([]);
  });
});
