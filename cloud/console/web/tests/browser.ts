// A browser that a test of ours drives: one JSON object a line in, one out.
//
//   {"do":"open","address":"https://…"}  →  {"done":true}  or  {"trouble":"…"}
//
// What it may do is in `deeds`. Elements are named as people and screen readers name them: by role and name.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";

interface Order {
  do: string;
  /** Whose window: each name has cookies of its own. */
  who?: string;
  address?: string;
  role?: Parameters<Page["getByRole"]>[0];
  name?: string;
  text?: string;
  key?: string;
  file?: string;
  scheme?: "light" | "dark";
  language?: string;
  width?: number;
  height?: number;
  path?: string;
  method?: string;
  body?: unknown;
}

/** How long anything may take on a busy machine, in milliseconds. */
const PATIENCE = 20_000;

/** What a browser on a closed network is not to try. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Everything that WCAG 2.2 asks of A and AA, as far as axe knows it. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const windows = new Map<string, { context: BrowserContext; page: Page }>();
/** What a page said to its console, and what it could not load: nothing is expected. */
const complaints: string[] = [];
let browser: Browser;

async function page(order: Order): Promise<Page> {
  const who = order.who ?? "";
  const open = windows.get(who);
  if (open) return open.page;
  const context = await browser.newContext({
    // The cloud's certificate is one of its own making here.
    ignoreHTTPSErrors: true,
    viewport: { width: order.width ?? 1280, height: order.height ?? 800 },
    colorScheme: order.scheme ?? "light",
    locale: order.language ?? "en-GB",
    timezoneId: "Europe/Paris",
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`${who}: ${error}`));
  page.on("console", (message) => {
    // That nobody is signed in, and that something is refused, the page says itself.
    const answered = /the server responded with a status of (400|401|403|404|409|410|429)/.test(message.text());
    if (message.type() === "error" && !answered) complaints.push(`${who}: ${message.text()}`);
  });
  windows.set(who, { context, page });
  return page;
}

async function element(order: Order): Promise<Locator> {
  const shown = await page(order);
  if (order.role) return shown.getByRole(order.role, { name: order.name ?? "", exact: true });
  if (order.name) return shown.getByLabel(order.name, { exact: true });
  return shown.getByText(order.text ?? "", { exact: true });
}

const deeds: Record<string, (order: Order) => Promise<unknown>> = {
  open: async (order) => (await page(order)).goto(order.address ?? ""),
  // Of several, the last: a dialog stands behind the page that it lies on.
  press: async (order) => (await element(order)).last().click(),
  fill: async (order) => (await element({ ...order, text: "" })).last().fill(order.text ?? ""),
  choose: async (order) => (await element({ ...order, text: "" })).selectOption({ label: order.text ?? "" }),
  upload: async (order) =>
    (await element({ ...order, text: "" })).setInputFiles({ name: order.file ?? "", mimeType: "text/csv", buffer: Buffer.from(order.text ?? "") }),
  type: async (order) => (await page(order)).keyboard.press(order.key ?? ""),
  see: async (order) => (await element(order)).first().waitFor(),
  miss: async (order) => (await element(order)).first().waitFor({ state: "detached" }),
  read: async (order) => (await element(order)).first().inputValue(),
  text: async (order) => (await page(order)).locator(order.path ?? "").first().innerText(),
  focus: async (order) =>
    void (await (await page(order)).waitForFunction((text) => document.activeElement?.textContent?.trim() === text, order.text)),
  // A device that keeps keys and is unlocked whenever it is asked; it stays in this window.
  authenticator: async (order) => {
    const shown = await page(order);
    const session = await shown.context().newCDPSession(shown);
    await session.send("WebAuthn.enable");
    const options = {
      protocol: "ctap2" as const,
      transport: "internal" as const,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    };
    await session.send("WebAuthn.addVirtualAuthenticator", { options });
  },
  look: async (order) => (await page(order)).emulateMedia({ colorScheme: order.scheme ?? "light" }),
  size: async (order) => (await page(order)).setViewportSize({ width: order.width ?? 1280, height: order.height ?? 800 }),
  picture: async (order) => (await page(order)).screenshot({ path: order.file ?? "", animations: "disabled" }),
  wide: async (order) =>
    (await page(order)).evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth),
  axe: async (order) => {
    const shown = await page(order);
    // A menu that was left is still there for a moment, outside of everything.
    await shown.locator("[data-bits-floating-content-wrapper]").first().waitFor({ state: "detached" });
    // Past the page's policy, as an extension of the browser would.
    await shown.evaluate(axe);
    const found = await shown.evaluate(async (rules) => {
      const { axe } = window as unknown as { axe: typeof import("axe-core") };
      const { violations } = await axe.run(document, { runOnly: { type: "tag", values: rules } });
      return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
    }, RULES);
    if (found.length > 0) throw new Error(found.join("\n"));
  },
  ask: async (order) =>
    (await page(order)).evaluate(
      async ({ method, path, body }) => {
        const headers = { "X-Conclave": "1", "Content-Type": "application/json" };
        const sent = body === undefined || body === null ? null : JSON.stringify(body);
        const answer = await fetch(`/api/v1${path}`, { method: method ?? "GET", headers, body: sent });
        return { status: answer.status, body: await answer.text() };
      },
      { method: order.method, path: order.path ?? "", body: order.body },
    ),
  complaints: async () => complaints.splice(0),
};

browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGUMENTS });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  let said: object;
  try {
    const deed = deeds[order.do];
    if (!deed) throw new Error(`nothing is called '${order.do}'`);
    const answer = await deed(order);
    said = { done: true, answer: order.do === "open" || order.do === "picture" ? null : (answer ?? null) };
  } catch (trouble) {
    said = { trouble: `${order.do} ${JSON.stringify({ ...order, text: order.text?.slice(0, 40) })}: ${String(trouble)}` };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await browser.close();
