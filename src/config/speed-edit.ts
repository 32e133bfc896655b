import { isMap, isSeq, parseDocument } from "yaml";
import type { Speed } from "../core/types.ts";

/**
 * A configuration's text with the speed of its engine number `index` (from 0) set; everything else,
 * comments included, stays. Null where that engine is not written out as a mapping of its own.
 */
export function withEngineSpeed(text: string, index: number, speed: Speed): string | null {
  const document = parseDocument(text);
  const engines = document.get("engines");
  const engine = isSeq(engines) ? engines.items[index] : null;
  if (document.errors.length > 0 || !isMap(engine)) return null;
  const known = engine.get("speed");
  // Setting key by key keeps the comments beside them.
  if (isMap(known)) for (const [term, ms] of Object.entries(speed)) known.set(term, ms);
  else engine.set("speed", document.createNode({ ...speed }, { flow: true }));
  return document.toString({ lineWidth: 0 });
}
