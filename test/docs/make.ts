import { writeFileSync } from "node:fs";
import { openApiDocument } from "../openapi/document.ts";
import { commandPage } from "./command-page.ts";
import { configurationPage } from "./configuration-page.ts";
import { observabilityPage } from "./observability-page.ts";

/** Writes the pages that are made of the code. */
const folder = new URL("../../docs/", import.meta.url);
writeFileSync(new URL("cli.md", folder), commandPage());
writeFileSync(new URL("configuration.md", folder), configurationPage());
writeFileSync(new URL("observability.md", folder), await observabilityPage());
writeFileSync(new URL("openapi.json", folder), JSON.stringify(openApiDocument(), null, 2));
