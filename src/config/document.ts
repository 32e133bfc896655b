import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
} from "yaml";

import type { Complaint } from "./problem.ts";
import type { KeyPath } from "./schema-walk.ts";

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A configuration file as it is written, with the way back from a key to its line. */
export interface ConfigDocument {
  /** Plain data; undefined where the text is not YAML. An empty file is an empty mapping. */
  readonly value: unknown;
  readonly syntaxErrors: readonly { readonly position: Position; readonly message: string }[];
  /** Where a key, or the value of a key, stands; for a missing one its mapping. */
  positionOf(path: KeyPath, about: Complaint["about"]): Position;
}

const ALIASES_MAX = 100;
const FILE_START: Position = { line: 1, column: 1 };

/** Reads YAML 1.2 (and so JSON). Never throws. */
export function parseDocumentText(text: string): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntaxErrors = document.errors.map((error) => ({
    position: positionAt(error.pos[0]),
    message: `is not YAML: ${lowerFirst(error.message)}`,
  }));
  if (syntaxErrors.length > 0) return { value: undefined, syntaxErrors, positionOf: atStart };
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
    const positionOf = (path: KeyPath, about: Complaint["about"]): Position => {
      const offset = offsetOf(document, path, about);
      return offset === null ? FILE_START : positionAt(offset);
    };
    return { value, syntaxErrors, positionOf };
  } catch {
    const message = "has an alias that cannot be resolved; write the value out";
    const position = positionAt(brokenAliasOffset(document));
    return { value: undefined, syntaxErrors: [{ position, message }], positionOf: atStart };
  }
}

/** Where the first alias without an anchor stands; the start when the aliases are only too many. */
function brokenAliasOffset(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = startOf(alias) ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function atStart(): Position {
  return FILE_START;
}

function offsetOf(document: Document, path: KeyPath, about: Complaint["about"]): number | null {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
      if (isLast && about === "key") return offset;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
    } else {
      return offset;
    }
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | null {
  if (typeof node !== "object" || node === null || !("range" in node)) return null;
  const range: unknown = node.range;
  const start: unknown = Array.isArray(range) ? range[0] : null;
  return typeof start === "number" ? start : null;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
