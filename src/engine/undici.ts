import { createRequire } from "node:module";
import type undici from "undici";

/**
 * The two parts of undici that are used, each from its own file: its index loads a client for everything
 * else as well, which costs a start 60 ms and 8 MB. Its version is pinned.
 */
const require = createRequire(import.meta.url);

export const Pool: typeof undici.Pool = require("undici/lib/dispatcher/pool.js");
export const errors: typeof undici.errors = require("undici/lib/core/errors.js");
