import { type Request, Router } from 'express';
import { z } from 'zod';
import type { Control } from '../../domain/control.ts';
import { isUsableId } from '../../domain/function-version.ts';
import type { AdminWorld } from './admin-world.ts';
import { check } from './check.ts';
import { showControl } from './show.ts';

/** Every control ends by itself: forgotten pauses have starved fleets. */
const FOR_SECONDS_MAX = 30 * 86_400;
const WANTED_MAX = 1_000_000;

const span = {
  forSeconds: z
    .number('say for how many seconds, for example 3600')
    .int()
    .min(1)
    .max(FOR_SECONDS_MAX, 'at most 30 days'),
  by: z.string().trim().min(1, 'say who you are').max(200),
  why: z.string().trim().min(1, 'say why, for whoever finds it').max(500),
};
const pauseBody = z.strictObject(span);
const overrideBody = z.strictObject({ ...span, wanted: z.number().int().min(0).max(WANTED_MAX) });
const versionPath = z.object({ versionId: z.string().refine(isUsableId, 'not a usable version id') });

/** What operators may do: pause, override, and release a freeze; each ends by itself, each is written down. */
export function controlRoutes(world: AdminWorld, onControl: () => void): Router {
  const router = Router();
  const untilOf = (forSeconds: number) => world.nowMs() + forSeconds * 1000;

  async function put(request: Request, control: Control, what: string): Promise<unknown> {
    const isDry = request.query['dryRun'] === 'true';
    if (!isDry) {
      await world.store.controls.put(control);
      const versionId = 'versionId' in control ? control.versionId : undefined;
      world.audit({ what, by: control.by, why: control.why, versionId });
      world.poke('scale');
      onControl();
    }
    return { ...showControl(control), dryRun: isDry };
  }

  async function remove(request: Request, kind: Control['kind'], versionId: string): Promise<void> {
    if (request.query['dryRun'] === 'true') return;
    await world.store.controls.remove(kind, versionId);
    world.audit({ what: `${kind} ended`, by: request.ip ?? 'unknown', why: '', versionId: versionId || undefined });
    world.poke('scale');
    onControl();
  }

  router.get('/controls', async (_request, response) => {
    const controls = await world.store.controls.list(world.nowMs());
    response.json({ items: controls.map(showControl) });
  });

  router.put('/functions/:versionId/pause', async (request, response) => {
    const { versionId } = check(versionPath, request.params, 'path');
    const { forSeconds, by, why } = check(pauseBody, request.body, 'body');
    response.json(await put(request, { kind: 'pause', versionId, until: untilOf(forSeconds), by, why }, 'paused'));
  });

  router.put('/functions/:versionId/override', async (request, response) => {
    const { versionId } = check(versionPath, request.params, 'path');
    const { forSeconds, by, why, wanted } = check(overrideBody, request.body, 'body');
    const control: Control = { kind: 'override', versionId, wanted, until: untilOf(forSeconds), by, why };
    response.json(await put(request, control, `overridden to ${wanted}`));
  });

  for (const kind of ['pause', 'override'] as const) {
    router.delete(`/functions/:versionId/${kind}`, async (request, response) => {
      await remove(request, kind, check(versionPath, request.params, 'path').versionId);
      response.status(204).end();
    });
  }

  router.put('/freeze/release', async (request, response) => {
    const { forSeconds, by, why } = check(pauseBody, request.body, 'body');
    response.json(
      await put(request, { kind: 'freeze-release', until: untilOf(forSeconds), by, why }, 'freeze released'),
    );
  });

  router.delete('/freeze/release', async (request, response) => {
    await remove(request, 'freeze-release', '');
    response.status(204).end();
  });

  return router;
}
