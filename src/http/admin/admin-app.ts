import { readFileSync } from 'node:fs';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { StoreError } from '../../ports/store-error.ts';
import { consoleRoutes } from '../console.ts';
import { ProblemError } from '../problem.ts';
import type { AdminWorld } from './admin-world.ts';
import { controlRoutes } from './control-routes.ts';
import { eventRoutes } from './events/event-routes.ts';
import { functionRoutes } from './function-routes.ts';
import { authenticate, checkHost, limitChanges } from './guard.ts';
import { statusRoutes } from './status-routes.ts';

const OPENAPI_FILE = new URL('../../../docs/openapi/admin.json', import.meta.url);

/** The admin API: for people, the console and the command line. */
export function adminApp(world: AdminWorld, onFault: (error: unknown) => void): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use((_request, response, next) => {
    response.set({
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
    });
    next();
  });
  app.use(checkHost(world));
  app.use(consoleRoutes(world.console));
  app.get('/openapi.json', (_request, response) => {
    response.type('json').send(readFileSync(OPENAPI_FILE, 'utf8'));
  });
  app.use('/v1', authenticate(world), limitChanges(world), express.json({ limit: world.bodyMaxBytes }));
  const events = eventRoutes(world);
  const onControl = () => events.feed.publish('controls', {});
  app.use('/v1', statusRoutes(world), functionRoutes(world), controlRoutes(world, onControl), events.router);
  app.use(() => {
    throw new ProblemError({
      status: 404,
      code: 'path-unknown',
      title: 'No such path',
      detail: 'GET /openapi.json describes what there is.',
    });
  });
  app.use(answerFault(onFault));
  return app;
}

function answerFault(onFault: (error: unknown) => void): ErrorRequestHandler {
  return (error, _request, response, next) => {
    if (response.headersSent) return next(error);
    const { problem, headers } = asProblem(error);
    if (problem.status >= 500) onFault(error);
    response.set(headers).status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

function asProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof StoreError) {
    return new ProblemError(
      {
        status: 503,
        code: `store-${error.kind}`,
        title: 'The coordination store does not answer',
        detail: 'Nothing was changed that this API knows of. GET /v1/status shows the store; try again when it is up.',
      },
      { 'Retry-After': '5' },
    );
  }
  const status = statusOf(error);
  if (status === 413) {
    return new ProblemError({
      status,
      code: 'body-too-large',
      title: 'Body too large',
      detail: 'Send less; http.bodyMax says how much is taken.',
    });
  }
  if (status !== undefined && status < 500) {
    return new ProblemError({
      status,
      code: 'request-unusable',
      title: 'Unusable request',
      detail: 'The request could not be read: is the body JSON, and the path properly escaped?',
    });
  }
  // What went wrong inside is for the log, not for the caller.
  return new ProblemError({
    status: 500,
    code: 'internal',
    title: 'A fault of ours',
    detail: 'The log of this member says more.',
  });
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}
