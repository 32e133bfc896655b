import OpenAI from "openai";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserPath, launchBrowser } from "./browser.ts";
import { EmbeddedCluster } from "./embedded-cluster.ts";
import { openWatchedPage, type WatchedPage } from "./watched-page.ts";

/** What somebody does who has read the README and nothing else, in that order: each test is a step. */
describe.skipIf(browserPath === null)("the first ten minutes", () => {
  let cluster: EmbeddedCluster;
  let browser: Browser;
  let watched: WatchedPage;
  /** Of the request that the OpenAI client makes. */
  let requestId = "";

  beforeAll(async () => {
    cluster = await EmbeddedCluster.start(2);
    browser = await launchBrowser(browserPath ?? "");
    watched = await openWatchedPage(browser, cluster.pageUrl);
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  test("the page opens and shows three engines at work", async () => {
    const { page } = watched;
    await page.goto(cluster.pageUrl);
    await page.waitForSelector('.link[data-connected="true"]');
    await page.locator('[data-engine][data-state="live"]').nth(2).waitFor();
    await page.locator("[data-request]").first().waitFor();
  });

  test("a request with the OpenAI client is answered, by a model that was chosen", async () => {
    const client = new OpenAI({ baseURL: cluster.apiUrl, apiKey: "first-minutes" });
    const { data, response } = await client.chat.completions
      .create({
        model: "chimera",
        max_tokens: 60,
        messages: [{ role: "user", content: "Name three colours." }],
      })
      .withResponse();
    expect(data.choices[0]?.message.content).not.toBe("");
    expect(response.headers.get("x-chimera-model")).toMatch(/small|medium|large/);
    requestId = response.headers.get("x-request-id") ?? "";
  });

  test("the page explains that request to its key", async () => {
    const { page } = watched;
    await page.getByLabel("API key").fill("first-minutes");
    await page.getByLabel("API key").press("Enter");
    await page.locator(`[data-request="${requestId}"] button`).press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.locator(".candidates tbody tr").nth(2).waitFor();
    expect(await dialog.locator("h2").innerText()).toMatch(/^Why (small|medium|large)\?$/);
    expect(await dialog.innerText()).toMatch(/done/);
  });

  test("what if: another price for that request, then for all", async () => {
    const { page } = watched;
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What if?", { exact: true }).press("Enter");
    await dialog.getByRole("slider", { name: /Price/ }).fill("0");
    // Where time is free, the most confident model serves.
    await dialog.getByText(/^(Still|Instead) large, by best value/).waitFor();
    await page.keyboard.press("Escape");
    await page.getByLabel("API key").fill("");
    await page.getByLabel("API key").press("Enter");
    await page.getByRole("link", { name: "What if" }).press("Enter");
    await page.getByRole("list", { name: /by model/ }).waitFor();
  });

  test("an engine that is killed turns red, and the next request is served by another", async () => {
    const { page } = watched;
    await page.getByRole("link", { name: "Live" }).press("Enter");
    await page.locator('[data-engine="small"][data-state="live"]').waitFor();
    cluster.kill("small");
    await page.locator('[data-engine="small"][data-state="dead"]').waitFor();
    await page.getByRole("button", { name: "Send" }).press("Enter");
    await page.locator('.answer[data-state="done"]').waitFor();
    expect(await page.locator(".headers").innerText()).toMatch(/medium|large/);
  });

  test("nothing went wrong in the page, and all stops", async () => {
    expect(watched.faults).toEqual([]);
    await watched.page.close();
    await cluster.stop();
    await expect(fetch(cluster.pageUrl)).rejects.toThrow();
  });
});
