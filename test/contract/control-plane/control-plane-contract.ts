import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { VersionSeed } from '../../support/control-plane/double-fleet.ts';

/** One implementation under test, on real HTTP. */
export interface ControlPlaneHarness {
  readonly url: string;
  /** What a caller that is known sends with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes versions exist, with these bounds, and nothing else of their kind changes. */
  readonly seed: (versions: readonly VersionSeed[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface ContractOptions {
  /** Whether writes without a token are refused; else they are taken until a version has seen one. */
  readonly demandsToken: boolean;
}

const openapi: unknown = parse(
  readFileSync(new URL('../../../docs/openapi/control-plane.yaml', import.meta.url), 'utf8'),
);
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(openapi as object, 'openapi');

function schema(name: string): ValidateFunction {
  const validate = ajv.getSchema(`openapi#/components/schemas/${name}`);
  if (!validate) throw new Error(`docs/openapi/control-plane.yaml has no schema ${name}`);
  return validate;
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly etag: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: answers are what is being tested, and looked into freely
  readonly body: any;
}

/**
 * What any control plane must do that calls itself fenced. Paths and bodies stand here as literal text, so that nothing of
 * the code under test decides what is right.
 */
export function controlPlaneContract(
  name: string,
  makeHarness: () => Promise<ControlPlaneHarness>,
  { demandsToken }: ContractOptions,
): void {
  describe(`the control plane contract: ${name}`, () => {
    let harness: ControlPlaneHarness;
    let made = 0;
    const fresh = async (seed: Partial<VersionSeed> = {}) => {
      made += 1;
      const versionId = seed.versionId ?? `contract-${String(made).padStart(4, '0')}`;
      const version = {
        functionId: `function-${made}`,
        account: `account-${made}`,
        minInstances: 0,
        maxInstances: 20,
        ...seed,
        versionId,
      };
      await harness.seed([version]);
      const [account, functionId] = [version.account, version.functionId].map(encodeURIComponent);
      const id = encodeURIComponent(versionId);
      return {
        ...version,
        predictionPath: `/v2/nvcf/accounts/${account}/predictions/functions/${functionId}/versions/${id}`,
        deploymentPath: `/v2/nvcf/deployments/functions/${functionId}/versions/${id}`,
      };
    };

    const ask = async (
      method: string,
      path: string,
      options: { headers?: Record<string, string>; body?: unknown; text?: string } = {},
    ): Promise<Reply> => {
      const body = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
      const response = await fetch(`${harness.url}${path}`, {
        method,
        redirect: 'manual',
        headers: { 'content-type': 'application/json', ...harness.headers, ...options.headers },
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const type = response.headers.get('content-type')?.split(';')[0] ?? '';
      return {
        status: response.status,
        type,
        etag: response.headers.get('etag'),
        body: text === '' ? undefined : JSON.parse(text),
      };
    };
    const put = (path: string, wanted: unknown, token: string | undefined, more: object = {}): Promise<Reply> =>
      ask('PUT', path, {
        headers: token === undefined ? {} : { 'Fencing-Token': token, 'Idempotency-Key': `x:${token}` },
        body: { requiredNumberOfInstances: wanted, predictedAt: '2026-01-02T03:04:05.678Z', ...more },
      });

    const expectValid = (name: string, body: unknown) => {
      const validate = schema(name);
      validate(body);
      expect(validate.errors ?? []).toEqual([]);
    };
    const expectProblem = (reply: Reply, status: number, type: string) => {
      expect([reply.status, reply.type]).toEqual([status, 'application/problem+json']);
      expectValid('Problem', reply.body);
      expect(reply.body.status).toBe(status);
      expect(reply.body.type.split(/[/:#]/).at(-1)).toBe(type);
      expect(reply.body.detail).not.toBe('');
    };

    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(() => harness?.stop());

    describe('fencing', () => {
      it('accepts the first token, whatever it is, and answers in full', async () => {
        const { predictionPath } = await fresh();
        const reply = await put(predictionPath, 3, '1700000000000000');
        expect([reply.status, reply.type]).toEqual([200, 'application/json']);
        expectValid('PredictionAnswer', reply.body);
        expect(reply.body).toMatchObject({ functionStatus: 'ACTIVE', scalingStatus: 'SCALING_UP' });
      });

      it('accepts a greater token, up or down', async () => {
        const { predictionPath } = await fresh();
        await put(predictionPath, 9, '10');
        const down = await put(predictionPath, 4, '11');
        expect(down).toMatchObject({ status: 200, body: { scalingStatus: 'SCALING_DOWN' } });
        const up = await put(predictionPath, 5, '1000');
        expect(up).toMatchObject({ status: 200, body: { scalingStatus: 'SCALING_UP' } });
      });

      it('answers the same token with the same body as before', async () => {
        const { predictionPath } = await fresh();
        const first = await put(predictionPath, 6, '20');
        const again = await put(predictionPath, 6, '20');
        expect(again).toEqual(first);
        const otherNote = await put(predictionPath, 6, '20', { predictedAt: '2027-01-01T00:00:00Z' });
        expect(otherNote).toEqual(first);
      });

      it('refuses the same token with another body', async () => {
        const { predictionPath } = await fresh();
        await put(predictionPath, 6, '20');
        const reply = await put(predictionPath, 7, '20');
        expectProblem(reply, 409, 'stale-fencing-token');
        expect(reply.body.storedToken).toBe('20');
      });

      it('refuses a lower token and tells the stored one as text', async () => {
        const { predictionPath } = await fresh();
        await put(predictionPath, 6, '9007199254740993');
        const reply = await put(predictionPath, 6, '9007199254740992');
        expectProblem(reply, 409, 'stale-fencing-token');
        expect(reply.body.storedToken).toBe('9007199254740993');
      });

      it('compares tokens as numbers, over all 63 bits', async () => {
        const { predictionPath } = await fresh();
        expect(await put(predictionPath, 1, '9')).toMatchObject({ status: 200 });
        expect(await put(predictionPath, 2, '10')).toMatchObject({ status: 200 });
        expect(await put(predictionPath, 3, '9223372036854775807')).toMatchObject({ status: 200 });
        expectProblem(await put(predictionPath, 4, '9223372036854775806'), 409, 'stale-fencing-token');
      });

      it('is not moved by a stale write', async () => {
        const version = await fresh();
        await put(version.predictionPath, 6, '20');
        await put(version.predictionPath, 1, '19');
        const after = await put(version.predictionPath, 6, '21');
        expect(after).toMatchObject({ status: 200, body: { scalingStatus: 'NO_SCALING_NEEDED' } });
      });

      it('keeps the tokens of versions apart', async () => {
        const [one, other] = [await fresh(), await fresh()];
        await put(one.predictionPath, 1, '500');
        expect(await put(other.predictionPath, 1, '5')).toMatchObject({ status: 200 });
      });

      it('lets exactly one of many writers through under each token, whatever the order', async () => {
        const { predictionPath } = await fresh();
        const replies = await Promise.all(
          Array.from({ length: 24 }, (_, index) => put(predictionPath, index % 8, String(100 + Math.floor(index / 8)))),
        );
        const accepted = new Map<number, Set<number>>();
        for (const [index, reply] of replies.entries()) {
          expect([200, 409]).toContain(reply.status);
          const token = 100 + Math.floor(index / 8);
          if (reply.status === 200) accepted.set(token, (accepted.get(token) ?? new Set()).add(index % 8));
        }
        expect(accepted.get(102)?.size).toBe(1);
        for (const wishes of accepted.values()) expect(wishes.size).toBe(1);
        expect(await put(predictionPath, 3, '103')).toMatchObject({ status: 200 });
      });

      it.each(['-1', '1.5', '0x10', 'abc', '', '9223372036854775808', '1e3'])(
        'refuses %j as a token',
        async (token) => {
          const { predictionPath } = await fresh();
          const reply = await put(predictionPath, 1, token);
          expectProblem(reply, 400, 'invalid-request');
          expect(reply.body.errors).toMatchObject([{ pointer: 'header:Fencing-Token' }]);
        },
      );

      if (demandsToken) {
        it('demands a token', async () => {
          const { predictionPath } = await fresh();
          expectProblem(await put(predictionPath, 1, undefined), 428, 'fencing-token-required');
        });
      } else {
        it('takes writes without a token until a version has seen one', async () => {
          const { predictionPath } = await fresh();
          expect(await put(predictionPath, 1, undefined)).toMatchObject({ status: 200 });
          expect(await put(predictionPath, 2, undefined)).toMatchObject({ status: 200 });
          expect(await put(predictionPath, 3, '7')).toMatchObject({ status: 200 });
          expectProblem(await put(predictionPath, 4, undefined), 428, 'fencing-token-required');
        });
      }
    });

    describe('a wish', () => {
      it.each<[string, unknown]>([
        ['negative', -1],
        ['not whole', 1.5],
        ['huge', 1_000_001],
        ['huger than any integer', 1e300],
        ['text', '3'],
        ['nothing', null],
        ['a list', [3]],
        ['true', true],
      ])('is refused when it is %s, with the field', async (_, wanted) => {
        const { predictionPath } = await fresh();
        const reply = await put(predictionPath, wanted, '1');
        expectProblem(reply, 400, 'invalid-request');
        expect(reply.body.errors).toMatchObject([{ pointer: '/requiredNumberOfInstances' }]);
        // And its token was not used up.
        expect(await put(predictionPath, 1, '1')).toMatchObject({ status: 200 });
      });

      it.each<[string, string]>([
        ['no JSON', '{"requiredNumberOfInstances":'],
        ['a list', '[]'],
        ['a word', '"three"'],
        ['empty', ''],
      ])('is refused when its body is %s', async (_, text) => {
        const { predictionPath } = await fresh();
        expectProblem(
          await ask('PUT', predictionPath, { headers: { 'Fencing-Token': '1' }, text }),
          400,
          'invalid-request',
        );
      });

      it('is refused when it is said when it was not', async () => {
        const { predictionPath } = await fresh();
        const reply = await put(predictionPath, 1, '1', { predictedAt: 'yesterday' });
        expectProblem(reply, 400, 'invalid-request');
        expect(reply.body.errors).toMatchObject([{ pointer: '/predictedAt' }]);
      });

      it('may carry fields that nobody knows, and pollutes nothing', async () => {
        const { predictionPath } = await fresh();
        const text =
          '{"requiredNumberOfInstances":2,"future":{"a":[1]},"__proto__":{"requiredNumberOfInstances":9},"constructor":1}';
        const reply = await ask('PUT', predictionPath, { headers: { 'Fencing-Token': '1' }, text });
        expect(reply).toMatchObject({ status: 200 });
        const again = await put(predictionPath, 2, '2');
        expect(again).toMatchObject({ status: 200, body: { scalingStatus: 'NO_SCALING_NEEDED' } });
      });

      it('is bounded by what the version may have', async () => {
        const { predictionPath } = await fresh({ minInstances: 2, maxInstances: 5 });
        const up = await put(predictionPath, 1_000_000, '1');
        expect(up.body.activeInstances + up.body.pendingInstances).toBeLessThanOrEqual(5);
        const more = await put(predictionPath, 1_000, '2');
        expect(more).toMatchObject({ status: 200, body: { scalingStatus: 'NO_SCALING_NEEDED' } });
      });

      it.each(['DEPLOYING', 'INACTIVE', 'ERRORED'] as const)(
        'is not acted on while the version is %s',
        async (status) => {
          const { predictionPath } = await fresh({ status });
          const reply = await put(predictionPath, 3, '1');
          expect(reply.status).toBe(200);
          expectValid('PredictionAnswer', reply.body);
          expect(reply.body).toMatchObject({ functionStatus: status, scalingStatus: 'NOT_AUTO_SCALABLE' });
        },
      );

      it('for a version that is not there is 404', async () => {
        const { predictionPath } = await fresh();
        expectProblem(await put(`${predictionPath}-not`, 1, '1'), 404, 'not-found');
      });

      it('names account, function and version that belong together', async () => {
        const [one, other] = [await fresh(), await fresh()];
        const mixed = one.predictionPath.replace(one.functionId, other.functionId);
        expectProblem(await put(mixed, 1, '1'), 404, 'not-found');
        const foreign = one.predictionPath.replace(one.account, other.account);
        expectProblem(await put(foreign, 1, '1'), 404, 'not-found');
      });

      it('is a PUT', async () => {
        const { predictionPath } = await fresh();
        expectProblem(
          await ask('POST', predictionPath, { body: { requiredNumberOfInstances: 1 } }),
          405,
          'method-not-allowed',
        );
      });
    });

    describe('ids', () => {
      it.each<[string, string]>([
        ['quotes', `it's "quoted"`],
        ['slashes', 'a/b//c\\d/'],
        ['a newline', 'line\nbreak\r\n\ttab'],
        ['what URLs mean something by', '?a=b&c#d;e%20f%2Fg+h'],
        ['other scripts', 'Größe-версия-函数-🐦'],
        ['what PromQL, CQL and HTML mean something by', `{a="b"}; DROP TABLE x; <script>'</script> $\{x}`],
        ['255 characters', 'x'.repeat(255)],
      ])('of %s survive the whole way', async (_, odd) => {
        const versionId = odd.slice(0, 250).length === 250 ? odd : `${odd}-v`;
        const version = await fresh({ versionId, functionId: odd, account: odd });
        expect(await put(version.predictionPath, 2, '5')).toMatchObject({ status: 200 });
        expectProblem(await put(version.predictionPath, 2, '4'), 409, 'stale-fencing-token');
        const read = await ask('GET', version.deploymentPath);
        expect(read.body.deployment).toMatchObject({ functionVersionId: versionId, functionId: odd });
        const items = await allTargets(1_000);
        expect(items.find((item) => item.functionVersionId === versionId)).toMatchObject({
          functionId: odd,
          account: odd,
        });
      });
    });

    describe('a deployment', () => {
      it('tells bounds and concurrency', async () => {
        const version = await fresh({ minInstances: 1, maxInstances: 7, maxRequestConcurrency: 4 });
        const reply = await ask('GET', version.deploymentPath);
        expect([reply.status, reply.type]).toEqual([200, 'application/json']);
        expectValid('DeploymentAnswer', reply.body);
        expect(reply.body.deployment).toMatchObject({
          functionId: version.functionId,
          functionVersionId: version.versionId,
          functionStatus: 'ACTIVE',
          deploymentSpecifications: [{ minInstances: 1, maxInstances: 7, maxRequestConcurrency: 4 }],
        });
      });

      it('of a version that is not there is 404', async () => {
        const version = await fresh();
        expectProblem(await ask('GET', `${version.deploymentPath}-not`), 404, 'not-found');
      });

      it('is made by POST, with bounds that can be kept', async () => {
        const version = await fresh();
        const deploy = (...deploymentSpecifications: object[]) =>
          ask('POST', version.deploymentPath, { body: { deploymentSpecifications } });
        const reply = await deploy({ gpu: 'H100', minInstances: 1, maxInstances: 4, maxRequestConcurrency: 2 });
        expect(reply.status).toBe(200);
        expectValid('DeploymentAnswer', reply.body);
        const read = await ask('GET', version.deploymentPath);
        expect(read.body.deployment.deploymentSpecifications).toMatchObject([
          { minInstances: 1, maxInstances: 4, maxRequestConcurrency: 2 },
        ]);
        const inverted = await deploy({ minInstances: 5, maxInstances: 4 });
        expectProblem(inverted, 400, 'invalid-request');
        expect(inverted.body.errors).toMatchObject([{ pointer: '/deploymentSpecifications/0/minInstances' }]);
        expectProblem(await deploy(), 400, 'invalid-request');
        expectProblem(await deploy({ minInstances: 0, maxInstances: 0 }), 400, 'invalid-request');
      });

      const specificationPath = async (version: { deploymentPath: string }) => {
        const { deployment } = (await ask('GET', version.deploymentPath)).body;
        const [specification] = deployment.deploymentSpecifications;
        return `/v2/nvcf/deployments/${encodeURIComponent(deployment.deploymentId)}/gpu-specifications/${encodeURIComponent(specification.gpuSpecificationId)}`;
      };

      it('takes new bounds, a custom policy, and the platform’s back', async () => {
        const version = await fresh();
        const path = await specificationPath(version);
        expect(await ask('PATCH', path, { body: { minInstances: 2, maxInstances: 9 } })).toMatchObject({ status: 200 });
        const autoscalingConfiguration = {
          scaleUpDetails: { factor: 1.5, threshold: 75, stickiness: { size: 'PT10M', threshold: 'PT3M' } },
          scaleDownDetails: { factor: 0.5, threshold: 25 },
        };
        const body = { autoscalingConfigurationPolicy: 'CUSTOM_CONFIGURATION', autoscalingConfiguration };
        expect(await ask('PATCH', path, { body })).toMatchObject({ status: 200 });
        const read = await ask('GET', version.deploymentPath);
        expectValid('DeploymentAnswer', read.body);
        expect(read.body.deployment.deploymentSpecifications).toMatchObject([
          {
            minInstances: 2,
            maxInstances: 9,
            autoscalingConfigurationPolicy: 'CUSTOM_CONFIGURATION',
            autoscalingConfiguration,
          },
        ]);
        const back = { autoscalingConfigurationPolicy: 'PLATFORM_CONFIGURATION' };
        expect(await ask('PATCH', path, { body: back })).toMatchObject({ status: 200 });
        const [specification] = (await ask('GET', version.deploymentPath)).body.deployment.deploymentSpecifications;
        expect(specification.autoscalingConfigurationPolicy).not.toBe('CUSTOM_CONFIGURATION');
      });

      it.each<[string, object, string]>([
        [
          'an up factor of 1',
          { autoscalingConfiguration: { scaleUpDetails: { factor: 1, threshold: 80 } } },
          '/autoscalingConfiguration/scaleUpDetails/factor',
        ],
        ['inverted bounds', { minInstances: 50 }, '/minInstances'],
        ['no bounds at all', { maxInstances: 0 }, '/maxInstances'],
        ['nothing', {}, ''],
      ])('refuses %s, with the field', async (_, body, pointer) => {
        const version = await fresh();
        const reply = await ask('PATCH', await specificationPath(version), { body });
        expectProblem(reply, 400, 'invalid-request');
        expect(reply.body.errors).toMatchObject([{ pointer }]);
      });
    });

    const page = (query: string, headers: Record<string, string> = {}) =>
      ask('GET', `/v1/scaling-targets${query}`, { headers });
    const allTargets = async (limit: number): Promise<{ functionVersionId: string; functionId: string }[]> => {
      const items: { functionVersionId: string; functionId: string }[] = [];
      for (let after = ''; ; ) {
        const reply = await page(`?after=${encodeURIComponent(after)}&limit=${limit}`);
        expect(reply.status).toBe(200);
        expectValid('ScalingTargetsPage', reply.body);
        items.push(...reply.body.items);
        if (reply.body.next === null) return items;
        expect(Buffer.compare(Buffer.from(reply.body.next), Buffer.from(after))).toBeGreaterThan(0);
        after = reply.body.next;
      }
    };

    describe('scaling targets', () => {
      it('tell every version once, in the order of UTF-8, however they are cut into pages', async () => {
        await harness.seed(
          ['page-b', 'page-a', 'page-ä', 'page-c', 'page-\u{ffee}', 'page-🐦'].map((versionId) => ({ versionId })),
        );
        const whole = (await allTargets(1_000)).map((item) => item.functionVersionId);
        const sorted = [...whole].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(whole).toEqual(sorted);
        expect(new Set(whole).size).toBe(whole.length);
        expect(whole.filter((id) => id.startsWith('page-'))).toEqual([
          'page-a',
          'page-b',
          'page-c',
          'page-ä',
          'page-\u{ffee}',
          'page-🐦',
        ]);
        for (const limit of [1, 2, 7]) {
          expect((await allTargets(limit)).map((item) => item.functionVersionId)).toEqual(whole);
        }
      });

      it('carry bounds, concurrency, status and policy', async () => {
        const policy = { kind: 'target', target: 0.5 };
        const version = await fresh({ minInstances: 1, maxInstances: 3, maxRequestConcurrency: 8, policy });
        const target = (await allTargets(1_000)).find((item) => item.functionVersionId === version.versionId);
        expect(target).toMatchObject({
          functionId: version.functionId,
          account: version.account,
          functionStatus: 'ACTIVE',
          minInstances: 1,
          maxInstances: 3,
          maxRequestConcurrency: 8,
          policy,
        });
      });

      it('begin after any text, whether it is a version or not', async () => {
        await harness.seed([{ versionId: 'zz-1' }, { versionId: 'zz-3' }]);
        const after = (await page(`?after=${encodeURIComponent('zz-2')}&limit=1`)).body;
        expect(after.items[0]).toMatchObject({ functionVersionId: 'zz-3' });
      });

      it('are not sent again while nothing changed, and are as soon as something did', async () => {
        const version = await fresh({ versionId: `!first-${made}` });
        const first = await page('?limit=1');
        expect(first.etag).toMatch(/^(?:W\/)?".+"$/);
        const same = await page('?limit=1', { 'If-None-Match': first.etag ?? '' });
        expect([same.status, same.body]).toEqual([304, undefined]);
        await harness.seed([{ ...version, maxInstances: 19 }]);
        const changed = await page('?limit=1', { 'If-None-Match': first.etag ?? '' });
        expect(changed.status).toBe(200);
        expect(changed.etag).not.toBe(first.etag);
      });

      it.each(['0', '-1', '1001', '1.5', 'all', '1e2'])('refuse a limit of %s', async (limit) => {
        const reply = await page(`?limit=${limit}`);
        expectProblem(reply, 400, 'invalid-request');
        expect(reply.body.errors).toMatchObject([{ pointer: 'query:limit' }]);
      });
    });

    it('answers a path that it does not know with a problem', async () => {
      expectProblem(await ask('GET', '/v1/nothing-here'), 404, 'not-found');
    });
  });
}
