import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type Clock, sleep } from '../../lib/clock.ts';
import { toPprof } from './pprof.ts';
import type { ProfileType } from './profile-type.ts';
import type { Recorder } from './recorder.ts';
import type { StackSample } from './stack-profile.ts';

const FOLDER = '/debug/pprof';
const SECONDS_MAX = 300;
/** Profiles that may be taken at once by request. */
const CAPTURES_MAX = 8;

interface Page {
  readonly type: ProfileType;
  readonly about: string;
  readonly seconds: number;
}

/** `heap` is what tools ask for by habit: V8's samples tell what was allocated, and so does this page. */
const PAGES: Readonly<Record<string, Page>> = {
  profile: { type: 'cpu', about: 'CPU: what ran', seconds: 30 },
  wall: { type: 'wall', about: 'wall time: what ran, and what calls waited for', seconds: 30 },
  allocs: { type: 'alloc', about: 'allocation: who made the bytes that were allocated meanwhile', seconds: 30 },
  heap: { type: 'alloc', about: 'the same as allocs', seconds: 30 },
  mutex: { type: 'lock', about: 'waiting: for locks in functions, and for instances', seconds: 30 },
};

/** Profiles taken while the caller waits, where Go programs have theirs, so that the same tools read them. */
export class PprofPages {
  readonly #options: { readonly recorder: Recorder; readonly clock: Clock; readonly logger: Logger };
  readonly #stop = new AbortController();
  #taken = 0;

  constructor(options: { recorder: Recorder; clock: Clock; logger: Logger }) {
    this.#options = options;
  }

  /** False: it is none of these pages. */
  onRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = '', search = ''] = (request.url ?? '/').split('?', 2);
    if (path !== FOLDER && !path.startsWith(`${FOLDER}/`)) return false;
    request.resume();
    const name = path.slice(FOLDER.length + 1);
    if (request.method !== 'GET') {
      sendText(response, 405, 'profiles are read with GET');
    } else if (name === '') {
      sendIndex(response, this.#options.recorder.types);
    } else if (name === 'cmdline') {
      sendText(response, 200, [process.execPath, ...process.execArgv, ...process.argv.slice(1)].join('\0'));
    } else if (Object.hasOwn(PAGES, name)) {
      this.#send(PAGES[name]!, new URLSearchParams(search), response).catch((error: unknown) => {
        this.#options.logger.error({ event: 'profile.failed', err: error }, 'a profile could not be taken');
        if (!response.headersSent) sendText(response, 500, 'the profile could not be taken');
      });
    } else {
      sendText(response, 404, `there is no such profile; ${FOLDER}/ lists those that there are`);
    }
    return true;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #send(page: Page, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { recorder, clock } = this.#options;
    const seconds = secondsOf(query.get('seconds'), page.seconds);
    const isWanted = filterOf(query);
    if (!recorder.types.includes(page.type)) {
      sendText(response, 404, `profiles of ${page.type} are switched off`);
    } else if (seconds === undefined) {
      sendText(response, 400, `seconds must be a whole number from 1 to ${SECONDS_MAX}`);
    } else if (isWanted === undefined) {
      sendText(response, 400, 'process must be platform or function');
    } else if (this.#taken >= CAPTURES_MAX) {
      sendText(response, 429, `${CAPTURES_MAX} profiles are being taken already: try again when one has ended`);
    } else {
      this.#taken += 1;
      try {
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        const capture = await recorder.begin([page.type]);
        await sleep(clock, seconds * 1_000, AbortSignal.any([gone.signal, this.#stop.signal])).catch(() => {});
        const recorded = await recorder.end(capture);
        if (gone.signal.aborted) return;
        const { type } = page;
        const body = await toPprof(recorded, { type, period: recorder.periodOf(type), isWanted });
        response.writeHead(200, {
          'content-type': 'application/octet-stream',
          'content-length': body.length,
          'content-disposition': `attachment; filename="${type}.pb.gz"`,
          'x-content-type-options': 'nosniff',
        });
        response.end(body);
      } finally {
        this.#taken -= 1;
      }
    }
  }
}

function secondsOf(text: string | null, otherwise: number): number | undefined {
  if (text === null) return otherwise;
  if (!/^[0-9]{1,3}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds >= 1 && seconds <= SECONDS_MAX ? seconds : undefined;
}

/** `process=platform|function` and `function=<name>` leave the others out. Undefined: it cannot be understood. */
function filterOf(query: URLSearchParams): ((labels: StackSample['labels']) => boolean) | undefined {
  const [process, name] = [query.get('process'), query.get('function')];
  if (process !== null && process !== 'platform' && process !== 'function') return undefined;
  return (labels) =>
    (process === null || labels['process'] === process) && (name === null || labels['function'] === name);
}

function sendIndex(response: ServerResponse, types: readonly ProfileType[]): void {
  const rows = Object.entries(PAGES)
    .filter(([, { type }]) => types.includes(type))
    .map(([name, { about }]) => `<li><a href="${FOLDER}/${name}?seconds=10">${name}</a>: ${about}</li>`);
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Profiles</title></head><body>
<h1>Profiles</h1>
<p>Each is taken while you wait, for as many seconds as you ask for, over the platform and its Node functions; read it with
<code>go tool pprof</code> or any other tool for pprof files.</p>
<ul>
${rows.join('\n')}
<li><a href="${FOLDER}/cmdline">cmdline</a>: how the platform was started</li>
</ul>
<p><code>seconds=1…${SECONDS_MAX}</code>, <code>process=platform|function</code>, <code>function=name</code></p>
</body></html>
`;
  const body = Buffer.from(page);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length }).end(body);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
