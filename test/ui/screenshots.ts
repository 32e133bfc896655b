import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { browserPath, launchBrowser } from "./browser.ts";
import { EmbeddedCluster } from "./embedded-cluster.ts";

const IMAGES = fileURLToPath(new URL("../../docs/images/", import.meta.url));
const SIZE = { width: 1280, height: 800 };
/** So that the charts have something to show. */
const WARM_UP_MS = 75_000;

/** Fills `docs/images/`: the page at work in light, with a dead engine in dark, one decision, a phone. */
async function takeScreenshots(page: Page, cluster: EmbeddedCluster): Promise<void> {
  const shoot = async (name: string): Promise<void> => {
    await page.evaluate("scrollTo(0, 0)");
    // Long enough for colours to change and for the charts to be drawn anew.
    await page.waitForTimeout(1_200);
    await page.screenshot({ path: `${IMAGES}${name}.png` });
  };
  await page.goto(cluster.pageUrl);
  await page.waitForTimeout(WARM_UP_MS);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator('.answer[data-state="done"]').waitFor();
  await shoot("dashboard");
  await page.getByRole("button", { name: "ended" }).click();
  const row = page.locator("[data-request]", { hasText: "best value" }).filter({ hasText: "done" });
  await row.first().click();
  await page.locator(".candidates").waitFor();
  await page.getByRole("dialog").screenshot({ path: `${IMAGES}decision.png` });
  await page.keyboard.press("Escape");
  await page.emulateMedia({ colorScheme: "dark" });
  cluster.kill("medium");
  await page.locator('[data-engine="medium"][data-state="dead"]').waitFor();
  await shoot("dashboard-dark");
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot("dashboard-phone");
}

if (browserPath === null)
  throw new Error("no Chromium: apt-get install chromium, or set CHROMIUM_PATH");
await mkdir(IMAGES, { recursive: true });
const cluster = await EmbeddedCluster.start(4);
const browser = await launchBrowser(browserPath);
try {
  await takeScreenshots(await browser.newPage({ viewport: SIZE }), cluster);
} finally {
  await browser.close();
  await cluster.stop();
}
