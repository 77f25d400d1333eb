import { Router } from 'express';
import { z } from 'zod';
import type { ActiveVersion } from '../../domain/active-version.ts';
import { BUCKET_COUNT } from '../../domain/bucket.ts';
import { ProblemError } from '../problem.ts';
import type { AdminWorld } from './admin-world.ts';
import { check } from './check.ts';
import { showEntry, showTime } from './show.ts';
import { showVersion } from './show-version.ts';
import { summarise } from './summary.ts';

const PAGE_MAX = 1_000;
/** Buckets read from the store at a time while a page fills. */
const BUCKETS_AT_ONCE = 32;

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  /** Opaque to callers: the bucket and the last version id that were shown. */
  cursor: z.string().max(600).optional(),
});

const decisionsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  before: z.iso.datetime().optional(),
});

/** Function versions of the whole fleet, from any member: what is durable from the store, what is live where it is mine. */
export function functionRoutes(world: AdminWorld): Router {
  const router = Router();

  router.get('/functions', async (request, response) => {
    const { limit, cursor } = check(listQuery, request.query, 'query');
    response.json(await page(world, { limit, after: readCursor(cursor) }));
  });

  router.get('/functions/:versionId', async (request, response) => {
    response.json(await showVersion(world, request.params.versionId));
  });

  router.get('/functions/:versionId/decisions', async (request, response) => {
    const { limit, before } = check(decisionsQuery, request.query, 'query');
    const entries = await world.store.ledger.recall(request.params.versionId, {
      limit,
      beforeMs: before === undefined ? undefined : Date.parse(before),
    });
    const last = entries.at(-1);
    response.json({
      items: entries.map(showEntry),
      next: entries.length === limit && last ? showTime(last.atMs) : null,
    });
  });

  return router;
}

type Position = Pick<ActiveVersion, 'bucket' | 'versionId'>;
const position = z.tuple([z.int().gte(0).lt(BUCKET_COUNT), z.string()]);

async function page(world: AdminWorld, { limit, after }: { limit: number; after: Position | undefined }) {
  const items: unknown[] = [];
  let first = after?.bucket ?? 0;
  while (first < BUCKET_COUNT) {
    const buckets = Array.from(
      { length: Math.min(BUCKETS_AT_ONCE, BUCKET_COUNT - first) },
      (_, index) => first + index,
    );
    const [versions, states] = await Promise.all([
      world.store.catalogue.read(buckets),
      world.store.states.read(buckets),
    ]);
    const stateOf = new Map(states.map((state) => [state.versionId, state]));
    for (const version of versions.filter((each) => isAfter(each, after)).sort(inOrder)) {
      if (items.length === limit) return { items, next: writeCursor(items.at(-1) as Position) };
      const { versionId } = version;
      items.push(summarise(world, { version, state: stateOf.get(versionId), summary: world.summaryOf(versionId) }));
    }
    first += buckets.length;
  }
  return { items, next: null };
}

function inOrder(a: ActiveVersion, b: ActiveVersion): number {
  if (a.bucket !== b.bucket) return a.bucket - b.bucket;
  return a.versionId < b.versionId ? -1 : 1;
}

function isAfter(version: Position, after: Position | undefined): boolean {
  if (!after || version.bucket > after.bucket) return true;
  return version.bucket === after.bucket && version.versionId > after.versionId;
}

function writeCursor({ bucket, versionId }: Position): string {
  return Buffer.from(JSON.stringify([bucket, versionId])).toString('base64url');
}

function readCursor(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [bucket, versionId] = position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { bucket, versionId };
  } catch {
    throw new ProblemError({
      status: 400,
      code: 'cursor-unusable',
      title: 'Unusable cursor',
      detail: 'Use the value of "next" from the page before, unchanged, or leave the cursor out to start again.',
      errors: [{ pointer: '/query/cursor', message: 'not a cursor of this API' }],
    });
  }
}
