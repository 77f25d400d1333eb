import { Router } from 'express';
import { BUCKET_COUNT } from '../../domain/bucket.ts';
import type { MemberId } from '../../domain/member.ts';
import type { AdminWorld } from './admin-world.ts';
import { showTime } from './show.ts';

/** What this member and its fleet look like. Express answers If-None-Match on all of them. */
export function statusRoutes(world: AdminWorld): Router {
  const router = Router();

  router.get('/status', (_request, response) => {
    response.json(showStatus(world));
  });

  router.get('/members', (_request, response) => {
    response.json({ items: showMembers(world) });
  });

  router.get('/buckets', (_request, response) => {
    response.json({
      items: Array.from({ length: BUCKET_COUNT }, (_, bucket) => {
        const ageMs = world.servedAgeMs(bucket);
        return {
          bucket,
          owner: world.ownerOf(bucket) ?? null,
          lastEvaluatedAt: showTime(ageMs === undefined ? undefined : world.nowMs() - ageMs),
        };
      }),
    });
  });

  router.get('/config', (_request, response) => {
    response.json(world.configuration());
  });

  return router;
}

export function showStatus(world: AdminWorld) {
  const freeze = world.freeze();
  return {
    memberId: world.memberId,
    version: world.version,
    startedAt: showTime(world.startedMs),
    members: world.members().filter((member) => member.isAlive).length,
    bucketsOwned: bucketsByOwner(world).get(world.memberId) ?? 0,
    freeze: { ...freeze, sinceMs: undefined, since: showTime(freeze.sinceMs), cause: freeze.cause ?? null },
    dependencies: world.dependencies(),
    loops: world.loops().map((loop) => ({ ...loop, lastStartedAt: showTime(loop.lastStartedWallMs) })),
  };
}

export function showMembers(world: AdminWorld) {
  const owned = bucketsByOwner(world);
  return world.members().map((member) => ({ ...member, bucketsOwned: owned.get(member.memberId) ?? 0 }));
}

function bucketsByOwner(world: AdminWorld): Map<MemberId, number> {
  const owned = new Map<MemberId, number>();
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket += 1) {
    const owner = world.ownerOf(bucket);
    if (owner !== undefined) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  }
  return owned;
}
