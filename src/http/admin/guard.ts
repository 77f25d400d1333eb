import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ProblemError } from '../problem.ts';
import type { AdminWorld } from './admin-world.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * A page of another site must not reach an open API on loopback by pointing its own name there. Where a token is asked
 * for such a page has none, and proxies may call us what they like.
 */
export function checkHost(world: AdminWorld): RequestHandler {
  const allowed = new Set(world.allowedHosts);
  return (request, _response, next) => {
    if (world.token() !== undefined || allowed.has(hostOf(request))) return next();
    throw new ProblemError({
      status: 421,
      code: 'unknown-host',
      title: 'Not a host of this API',
      detail:
        'The Host header names a host that this API does not answer to; add it to http.allowedHosts if it should.',
    });
  };
}

/** Bearer, where a token is configured; compared in constant time. */
export function authenticate(world: AdminWorld): RequestHandler {
  return (request, _response, next) => {
    const expected = world.token();
    if (expected === undefined) return next();
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), digest(expected))) return next();
    throw new ProblemError(
      {
        status: 401,
        code: given === undefined ? 'token-missing' : 'token-wrong',
        title: 'Not authorised',
        detail: 'This API asks for a bearer token: send Authorization: Bearer with the value of http.adminToken.',
      },
      { 'WWW-Authenticate': 'Bearer realm="starling"' },
    );
  };
}

/** Changes are counted per caller, and a browser may make them only as JSON, which a foreign page cannot send unasked. */
export function limitChanges(world: AdminWorld): RequestHandler {
  return (request, _response, next) => {
    if (SAFE_METHODS.has(request.method)) return next();
    if (request.method !== 'DELETE' && !request.is('application/json')) {
      throw new ProblemError({
        status: 415,
        code: 'not-json',
        title: 'JSON, please',
        detail: 'Send the body as Content-Type: application/json.',
      });
    }
    if (world.mayChange(request.ip ?? 'unknown')) return next();
    throw new ProblemError(
      { status: 429, code: 'too-many-changes', title: 'Too many changes', detail: 'Wait a second and try again.' },
      { 'Retry-After': '1' },
    );
  };
}

function hostOf(request: Request): string {
  const host = (request.headers.host ?? '').toLowerCase();
  return host.startsWith('[') ? host.replace(/\](:\d+)?$/, ']') : host.replace(/:\d+$/, '');
}

/** Digests have one length, so that comparing reveals nothing about the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
