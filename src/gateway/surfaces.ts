import { anthropicSurface } from "./anthropic-surface.ts";
import { embeddingsSurface } from "./embeddings-surface.ts";
import { chatSurface, completionsSurface } from "./openai-surface.ts";
import { responsesSurface } from "./responses-surface.ts";
import type { Surface } from "./surface.ts";

/** Paths that engines answer, by the one method that they take: POST. */
export const SURFACES: ReadonlyMap<string, Surface> = new Map([
  ["/v1/chat/completions", chatSurface],
  ["/v1/completions", completionsSurface],
  ["/v1/embeddings", embeddingsSurface],
  ["/v1/messages", anthropicSurface],
  ["/v1/responses", responsesSurface],
]);
