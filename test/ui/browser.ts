import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where Debian and others put it; CHROMIUM_PATH comes first. */
const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export const browserPath: string | null =
  [process.env.CHROMIUM_PATH ?? "", ...PATHS].find((path) => existsSync(path)) ?? null;

/** A headless browser that asks nobody for anything but the page. */
export function launchBrowser(path: string): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      // Coloured edges of letters would double the size of the images.
      "--disable-lcd-text",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
