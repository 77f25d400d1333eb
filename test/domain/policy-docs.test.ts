import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src/domain/policy.ts';
import { REASONS } from '../../src/domain/reason-table.ts';

const page = readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8');
const decision = readFileSync(new URL('../../docs/decisions/steps-and-nvcf.md', import.meta.url), 'utf8');
const differences: Record<string, { ids: string[] }> = JSON.parse(
  readFileSync(new URL('../scaling/vectors/differences.json', import.meta.url), 'utf8'),
);

describe('the page on policies', () => {
  it('explains every reason code under its stage, and no other', () => {
    const table = page.slice(page.indexOf('## Reasons'));
    const explained = [...table.matchAll(/^\| `([a-z-]+)` \| ([a-z]+) \|/gm)].map(([, code, stage]) => [code, stage]);
    const known = Object.entries(REASONS).map(([code, { stage }]) => [code, stage]);
    expect(explained.toSorted()).toEqual(known.toSorted());
  });

  it('names every field of both kinds', () => {
    for (const kind of ['steps', 'target'] as const) {
      for (const field of Object.keys(defaultPolicy(kind))) {
        if (field !== 'kind') expect(page, field).toContain(`\`${field}\``);
      }
    }
  });

  it('tells the defaults as they are', () => {
    const { target, windowSeconds, idleTimeoutSeconds, stabilisationDownSeconds, stepUp, stepDown } =
      defaultPolicy('target');
    const limit = (given: typeof stepUp) => `${given?.percent} %, ${given?.instances}, ${given?.periodSeconds} s`;
    for (const row of [
      `| \`target\` | ${target} |`,
      `| \`windowSeconds\` | ${windowSeconds} |`,
      `| \`idleTimeoutSeconds\` | ${idleTimeoutSeconds} |`,
      `| \`stabilisationDownSeconds\` | ${stabilisationDownSeconds} |`,
      `| \`stepUp\` | ${limit(stepUp)} |`,
      `| \`stepDown\` | ${limit(stepDown)} |`,
      `| \`idleTimeoutSeconds\` | ${defaultPolicy('steps').idleTimeoutSeconds} |`,
    ]) {
      expect(page).toContain(row);
    }
  });
});

describe('the page on where steps differs', () => {
  it('counts as the list does', () => {
    const counted = [...decision.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(([, reason, lines]) => [reason, lines]);
    const listed = Object.entries(differences).map(([reason, { ids }]) => [reason, String(ids.length)]);
    expect(counted.toSorted()).toEqual(listed.toSorted());
    const total = listed.reduce((sum, [, lines]) => sum + Number(lines), 0);
    expect(decision).toContain(`The other ${total} are`);
    expect(decision).toContain(`${(1561 - total).toLocaleString('en')} of them come out the same`);
  });
});
