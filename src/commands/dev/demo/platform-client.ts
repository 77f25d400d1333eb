import { z } from 'zod';

const TIMEOUT_MS = 5_000;
/** Beside the call itself: an instance that has to start first. */
const CALL_TIMEOUT_MS = 30_000;
const NAME_TAKEN = 409;

const madeSchema = z.object({ version: z.object({ versionId: z.string() }) });
const foundSchema = z.object({ function: z.object({ activeVersionId: z.string() }) });
const statsSchema = z.object({ versions: z.array(z.object({ versionId: z.string(), instances: z.number() })) });

/** What the demo asks of the platform, over HTTP as anybody would. */
export class PlatformClient {
  readonly #url: string;
  readonly #signal: AbortSignal;

  constructor({ url, signal }: { url: string; signal: AbortSignal }) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Registers a function, or finds the one that an earlier demo left. Returns the id of its version. */
  async register(definition: object, name: string): Promise<string> {
    const response = await this.#ask('POST', '/v1/functions', definition);
    if (response.status !== NAME_TAKEN) return madeSchema.parse(await bodyOf(response)).version.versionId;
    await response.body?.cancel();
    return foundSchema.parse(await bodyOf(await this.#ask('GET', pathOf(name)))).function.activeVersionId;
  }

  /** How many instances there are of each version, by its id. */
  async instances(): Promise<ReadonlyMap<string, number>> {
    const { versions } = statsSchema.parse(await bodyOf(await this.#ask('GET', '/v1/stats')));
    return new Map(versions.map(({ versionId, instances }) => [versionId, instances]));
  }

  /** Resolves with the status once the answer is there. */
  async invoke(name: string, event: object): Promise<number> {
    const response = await this.#ask('POST', `${pathOf(name)}/invoke`, event, CALL_TIMEOUT_MS);
    await response.arrayBuffer();
    return response.status;
  }

  #ask(method: string, path: string, body?: object, timeoutMs = TIMEOUT_MS): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(timeoutMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`the platform answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

function pathOf(name: string): string {
  return `/v1/functions/${encodeURIComponent(name)}`;
}
