import { createApiKey } from "../config/api-key.ts";
import type { ExitCode, Printer } from "./printer.ts";

/** `chimera key new`: a key, shown this once, and the line of a config that lets it in. */
export function newKey(name: string, admin: boolean, printer: Printer): ExitCode {
  const { key, hash } = createApiKey();
  printer.say("The key, which is shown only now and kept nowhere:");
  printer.out(key);
  printer.say(admin ? "For the config:" : "For `keys:` of the config:");
  printer.say(admin ? `admin: { hash: "${hash}" }` : `  - { name: ${name}, hash: "${hash}" }`);
  return 0;
}
