import { loadEncoderRouter, type EncoderRouter } from "./encoder-router.ts";
import { loadLearned, type LearnedFiles, type LearnedModels } from "./learned.ts";

/** The folder of an encoder, which is read where it is run. */
export interface EncoderPath {
  readonly encoder: string;
}

/** What a prediction thread is given: as `LearnedFiles`, but the router may be an encoder. */
export interface ServedFiles extends Pick<LearnedFiles, "length" | "priors"> {
  readonly router: Uint8Array | EncoderPath | null;
}

export interface OpenedModels {
  /** Without a router where there is an encoder. */
  readonly models: LearnedModels;
  readonly encoder: EncoderRouter | null;
}

export type OpenedResult =
  | { readonly ok: true; readonly opened: OpenedModels }
  | { readonly ok: false; readonly message: string };

export function isEncoderPath(router: unknown): router is EncoderPath {
  return typeof router === "object" && router !== null && "encoder" in router;
}

/** Loads models, an encoder among them; one that is refused is refused with its reason. Never rejects. */
export async function openLearned(files: ServedFiles): Promise<OpenedResult> {
  const { length, router, priors } = files;
  const loaded = loadLearned({ length, priors, router: isEncoderPath(router) ? null : router });
  if (!loaded.ok) return loaded;
  const { models } = loaded;
  if (!isEncoderPath(router)) return { ok: true, opened: { models, encoder: null } };
  const encoder = await loadEncoderRouter(router.encoder, priors);
  if (encoder.ok) return { ok: true, opened: { models, encoder: encoder.value } };
  return { ok: false, message: `router model: ${encoder.fault.message}` };
}
