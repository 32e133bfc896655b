import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { browserPath, launchBrowser } from "./browser.ts";
import { EmbeddedCluster } from "./embedded-cluster.ts";
import { accessibilityViolations, openWatchedPage, type WatchedPage } from "./watched-page.ts";

describe.skipIf(browserPath === null)("the views of the dashboard", () => {
  let browser: Browser;
  let cluster: EmbeddedCluster;
  let watched: WatchedPage;

  beforeAll(async () => {
    cluster = await EmbeddedCluster.start(3);
    browser = await launchBrowser(browserPath ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  });
  beforeEach(async () => {
    watched = await openWatchedPage(browser, cluster.pageUrl);
  });
  afterEach(async () => {
    await watched.page.context().close();
    expect(watched.faults).toEqual([]);
  });

  test("are reached by keyboard, and by their addresses", async () => {
    const { page } = watched;
    await page.goto(cluster.pageUrl);
    await page.getByRole("link", { name: "Workflows" }).press("Enter");
    await page.getByRole("heading", { name: "Recent workflows" }).waitFor();
    expect(new URL(page.url()).hash).toBe("#workflows");
    expect(await page.locator('nav [aria-current="page"]').innerText()).toBe("Workflows");
    await page.goBack();
    await page.getByRole("heading", { name: "Playground" }).waitFor();
  });

  test("show a workflow's stages over its time, and the decision of each", async () => {
    const { page } = watched;
    await page.goto(`${cluster.pageUrl}#workflows`);
    const ended = page.locator("[data-workflow]").filter({ hasText: " ago" });
    await ended.first().waitFor();
    const id = (await ended.first().getAttribute("data-workflow")) ?? "";
    await page.locator(`[data-workflow="${id}"] button`).press("Enter");
    const stages = page.locator("[data-stage]");
    await stages.first().waitFor();
    expect(await page.locator(".timeline h2").innerText()).toContain(id);
    expect(await stages.first().locator('[data-part="write"]').count()).toBe(1);
    await stages.first().getByRole("button").press("Enter");
    await page.getByRole("dialog").locator(".candidates").waitFor();
    await page.keyboard.press("Escape");
  });

  test("answer what another price would have chosen, and one that nobody would pay", async () => {
    const { page } = watched;
    await page.goto(`${cluster.pageUrl}#what-if`);
    const changed = page.locator(".what-if dl div", { hasText: "would have changed" });
    await changed.getByText(/^0( \(0 %\))?$/).waitFor();
    await page.getByRole("slider", { name: /Price/ }).fill("0");
    const models = page.getByRole("list", { name: /by model/ });
    // With free time the most confident model serves whatever was decided.
    await changed.getByText(/^[1-9]/).waitFor();
    expect(await models.innerText()).toContain("large");
    expect(await page.locator(".what-if table tbody tr").count()).toBeGreaterThan(0);
    await page.getByRole("button", { name: "As it was" }).click();
    await changed.getByText(/^0 \(0 %\)$/).waitFor();
  });

  test("ask what if for one decision", async () => {
    const { page } = watched;
    await page.goto(cluster.pageUrl);
    await page
      .locator("[data-request]", { hasText: "best value" })
      .first()
      .getByRole("button")
      .press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What if?", { exact: true }).press("Enter");
    await dialog.getByText(/^Still /).waitFor();
    await dialog.getByLabel("Policy").selectOption("balancer");
    await dialog.getByText(/^(Still|Instead) .*, by balance/).waitFor();
  });

  test("tell how good predictions were", async () => {
    const { page } = watched;
    await page.goto(`${cluster.pageUrl}#predictions`);
    await page.getByText(/^Median \d/).waitFor();
    await page.getByRole("rowheader", { name: "small" }).waitFor();
    expect(await page.locator(".ratio canvas").count()).toBe(1);
  });

  test("show the config in force", async () => {
    const { page } = watched;
    await page.goto(`${cluster.pageUrl}#config`);
    await page.getByRole("heading", { name: "engines" }).waitFor();
    expect(await page.locator("pre").allInnerTexts()).not.toContain("null");
  });

  test.each(["light", "dark"] as const)(
    "violate nothing that axe-core knows, %s",
    async (scheme) => {
      const { page } = watched;
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const found: Record<string, string[]> = {};
      for (const place of ["live", "workflows", "what-if", "predictions", "config"]) {
        await page.goto(`${cluster.pageUrl}#${place}`);
        await page.locator("main table, main pre, main .models").first().waitFor();
        if (place === "what-if") {
          await page.getByRole("slider", { name: /Price/ }).fill("0");
          await page.locator("main table").waitFor();
        }
        if (place === "workflows") {
          await page.locator("[data-workflow] button").first().click();
          await page.locator("[data-stage]").first().waitFor();
        }
        found[place] = await accessibilityViolations(page);
        if (place !== "live") continue;
        await page.locator("[data-request] button").first().click();
        await page.getByRole("dialog").locator(".facts").waitFor();
        found["dialog"] = await accessibilityViolations(page);
        await page.keyboard.press("Escape");
      }
      expect(Object.values(found).flat()).toEqual([]);
      expect(Object.keys(found)).toHaveLength(6);
    },
  );
});
