import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoscalerRig, FAST } from '../../support/autoscaler-rig.ts';
import { launchBrowser, leftOutWithoutBrowser, openPage } from '../../support/browser.ts';
import { until } from '../../support/member-process.ts';
import type { RunningMember } from '../../support/running-member.ts';
import { leftOutWithout } from '../autoscale/left-out.ts';

const FALLING = 'falling-and-seen';
/** Enough of them that losing all is no accident: the fleet freezes from ten versions on. */
const LOST = Array.from({ length: 11 }, (_, index) => `lost-${index}`);

const isLeftOut = (await leftOutWithout('victoriametrics')) || leftOutWithoutBrowser();

describe.skipIf(isLeftOut)('a frozen fleet in the console', () => {
  let rig: AutoscalerRig;
  let member: RunningMember;
  let browser: Browser;
  const complaints: string[][] = [];

  beforeAll(async () => {
    browser = await launchBrowser();
    // Lowers within seconds, so that a decrease that does not come was held back by the freeze.
    const flags = [...FAST, '--policy-stabilisation-down', '2s', '--policy-target-window', '5s'];
    rig = await AutoscalerRig.start({ timeseries: 'victoriametrics', scrapeMs: 1_000, flags });
    for (const versionId of [FALLING, ...LOST]) rig.add({ versionId, load: 3, callsPerSecond: 2 });
    rig.fleet.start();
    member = await rig.join();
    await until('the console is built', 120_000, async () => (await fetch(member.adminUrl)).status === 200);
    await until('all have what they need', 60_000, () => [FALLING, ...LOST].every((id) => active(id) > 3));
  });

  afterAll(async () => {
    await browser?.close();
    await rig?.stop();
    expect(complaints.flat()).toEqual([]);
  });

  const active = (versionId: string) => rig.controlPlane.fleet.find(versionId)?.active ?? 0;

  async function aPage(hash: string): Promise<Page> {
    const watched = await openPage(browser, `${member.adminUrl}/`);
    complaints.push(watched.complaints);
    await watched.page.getByText('live', { exact: true }).waitFor();
    await watched.page.evaluate((to) => location.assign(to), hash);
    return watched.page;
  }

  it('shows the freeze with its cause, and releases it after asking who and why', {
    timeout: 240_000,
  }, async () => {
    const page = await aPage('#/functions');
    const loops = await aPage('#/loops');
    for (const versionId of LOST) {
      const version = rig.fleet.versions.get(versionId);
      // As after a broken deployment of what scrapes them.
      if (version) version.isScraped = false;
    }
    const frozen = page.locator('.banner', { hasText: 'The share of this member is frozen' });
    await frozen.filter({ hasText: 'signals lost' }).waitFor({ timeout: 120_000 });
    await loops.getByText(/^frozen /).waitFor();

    const before = active(FALLING);
    rig.fleet.setLoad(FALLING, 0.5);
    await page.getByText(FALLING, { exact: true }).click();
    await page.getByText('fleet frozen', { exact: false }).first().waitFor({ timeout: 60_000 });
    await member.cycles(3);
    expect(active(FALLING)).toBe(before);

    await frozen.getByRole('button', { name: 'Release…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^Released until .*\(15 min\); after that the fleet may freeze again\.$/).waitFor();
    await dialog.getByRole('button', { name: 'Release', exact: true }).click();
    // Nothing is sent without a name and a reason.
    expect(await dialog.count()).toBe(1);
    expect((await member.status()).freeze.isFrozen).toBe(true);
    await dialog.getByLabel('Who are you').fill('ann');
    await dialog.getByLabel('Why').fill('the agents are <b>being replaced</b>');
    await dialog.getByRole('button', { name: 'Release', exact: true }).click();
    for (const each of [page, loops]) {
      await each.getByText('Freeze released').waitFor({ timeout: 15_000 });
      await each.getByText('by ann until', { exact: false }).waitFor();
      await each.getByText('the agents are <b>being replaced</b>', { exact: false }).waitFor();
    }
    await frozen.waitFor({ state: 'detached', timeout: 15_000 });
    await until('what is seen to fall is lowered', 60_000, () => active(FALLING) < before);
    // Those that nobody sees stay: a release gives decreases free and no blindness.
    for (const versionId of LOST) expect(active(versionId)).toBeGreaterThan(3);

    await page.getByRole('button', { name: 'End the release…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
    await frozen.waitFor({ timeout: 30_000 });
    expect((await member.status()).freeze.isFrozen).toBe(true);
  });
});
