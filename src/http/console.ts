import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Response, Router } from 'express';

/** The built page: where it is, that it is being built, or why there is none. */
export type ConsoleState =
  | { readonly state: 'building' }
  | { readonly state: 'ready'; readonly directory: string }
  | { readonly state: 'absent'; readonly why: string };

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // Text can become script in no way, whatever a library tries.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.md': 'text/plain; charset=utf-8',
};

/** The files of the page, held in memory and no others: there is no path to get wrong. The page is open; what it asks for is not. */
export function consoleRoutes(page: () => ConsoleState): Router {
  const router = Router();
  let files: ReadonlyMap<string, Buffer> | undefined;

  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    const wanted = request.path === '/' ? '/index.html' : request.path;
    const built = page();
    if (built.state !== 'ready') {
      if (wanted !== '/index.html') return next();
      return sendUnavailable(response, built);
    }
    files ??= readFiles(built.directory);
    const file = files.get(wanted);
    if (!file) return next();
    response.set(HEADERS).set({
      'Content-Type': TYPES[path.extname(wanted)] ?? 'application/octet-stream',
      // Their names change with what is in them.
      ...(wanted.startsWith('/assets/') && { 'Cache-Control': 'public, max-age=31536000, immutable' }),
    });
    response.send(file);
  });
  return router;
}

function readFiles(directory: string): ReadonlyMap<string, Buffer> {
  return new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [`/${path.relative(directory, file).split(path.sep).join('/')}`, readFileSync(file)]),
  );
}

function sendUnavailable(response: Response, built: Exclude<ConsoleState, { state: 'ready' }>): void {
  response.set(HEADERS).type('text/plain');
  if (built.state === 'building') {
    response.status(503).set({ Refresh: '2', 'Retry-After': '2' }).send('The console is being built; a moment.\n');
  } else {
    response.status(503).send(`There is no console here: ${built.why}\nThe API answers all the same: /openapi.json\n`);
  }
}
