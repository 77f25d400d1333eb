import { type Response, Router } from 'express';
import { ProblemError } from '../../problem.ts';
import type { AdminWorld } from '../admin-world.ts';
import { showStatus } from '../status-routes.ts';
import { EventFeed } from './event-feed.ts';
import { FleetNews } from './fleet-news.ts';

/** How often changes are looked for while there are listeners; one that hears nothing for long knows that it is cut off. */
const POLL_EVERY_MS = 2_000;

/** `GET /events`: what changes, as it changes. Nothing is looked at without listeners. */
export function eventRoutes(world: AdminWorld): { router: Router; feed: EventFeed } {
  const router = Router();
  const feed = new EventFeed({ epoch: world.memberId.replace(/[^\w-]/g, '').slice(-36) + String(world.startedMs) });
  const news = new FleetNews(world, feed);
  let isPolling = false;

  function poll(): void {
    if (world.stopping.aborted || feed.listeners === 0) {
      isPolling = false;
      return;
    }
    feed.send('status', showStatus(world));
    news.publishChanges();
    world.after(POLL_EVERY_MS, poll);
  }

  world.stopping.addEventListener('abort', () => feed.close(), { once: true });

  router.get('/events', (request, response) => {
    if (feed.isFull || world.stopping.aborted) {
      throw new ProblemError(
        {
          status: 503,
          code: 'too-many-listeners',
          title: 'Too many listeners',
          detail: 'This member tells as many listeners as it can. Close a console, or listen to another member.',
        },
        { 'Retry-After': '5' },
      );
    }
    response.status(200).set({
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Some proxies would gather events into lumps.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    // What happened before the first listener came is in the lists that it reads; from here on the differences count.
    if (!isPolling) news.publishChanges();
    const hello = { memberId: world.memberId, version: world.version, everyMs: POLL_EVERY_MS };
    const leave = feed.subscribe(listenerOf(world, response), { hello, lastId: request.get('Last-Event-ID') });
    response.on('close', leave);
    response.write(`event: status\ndata: ${JSON.stringify(showStatus(world))}\n\n`);
    if (isPolling) return;
    isPolling = true;
    world.after(POLL_EVERY_MS, poll);
  });

  return { router, feed };
}

/** A listener hears no more than a new request of it would: when the token is another, it has to ask again. */
function listenerOf(world: AdminWorld, response: Response) {
  const token = world.token();
  return {
    send: (text: string) => {
      if (world.token() === token) response.write(text);
      else response.end();
    },
    pendingBytes: () => response.writableLength,
    end: () => {
      // A listener that does not take what was sent would not take the end of it either.
      if (response.writableLength > 0) response.destroy();
      else response.end();
    },
  };
}
