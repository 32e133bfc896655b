import { writeFileSync } from "node:fs";
import { configurationPage } from "./configuration-page.ts";

/** Writes the pages that are made of the code. */
writeFileSync(new URL("../../docs/configuration.md", import.meta.url), configurationPage());
