import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const BINARIES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Says so where tests are left out for want of a browser; on CI that is a failure. */
export function leftOutWithoutBrowser(): boolean {
  if (BINARIES.some((file) => existsSync(file))) return false;
  const why = 'no Chromium in /usr/bin (Debian: apt-get install chromium)';
  if (process.env['CI'] === 'true') throw new Error(`not available: ${why}; CI must not leave it out`);
  console.warn(`left out: ${why}`);
  return true;
}

export function launchBrowser(): Promise<Browser> {
  // Tests often run as root, where Chromium's own sandbox cannot.
  return chromium.launch({ executablePath: BINARIES.find((file) => existsSync(file)) ?? '', args: ['--no-sandbox'] });
}

/** A page, and everything that went wrong on it: errors, requests to other hosts, breaches of its policy. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
  readonly requests: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog of a script: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // That an answer is an error the page itself has to show; a broken policy is told here alone.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  page.on('request', (request) => {
    requests.push(request.url());
    if (!request.url().startsWith(url)) complaints.push(`a request to another host: ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints, requests };
}
