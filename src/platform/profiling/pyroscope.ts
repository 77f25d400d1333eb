import type { AxiosError } from 'axios';
import { type Clock, sleep } from '../../lib/clock.ts';
import type { Random } from '../../lib/random.ts';

/** A profile that Pyroscope did not take. */
export class PyroscopeError extends Error {
  /** `refused`: sending it again will not help. */
  readonly kind: 'unreachable' | 'refused';
  constructor(kind: PyroscopeError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PyroscopeError';
    this.kind = kind;
  }
}

export interface PyroscopeOptions {
  /** Where it listens, such as `http://pyroscope:4040`. */
  readonly url: string;
  /** What the profiles are filed under there. */
  readonly application: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Sent as a bearer token. */
  readonly token?: string | undefined;
  /** Where it keeps several tenants apart. */
  readonly tenant?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Of one attempt: 10 s. */
  readonly timeoutMs?: number | undefined;
  /** 3. */
  readonly attempts?: number | undefined;
}

export interface PushedProfile {
  /** As `toPprof` writes it. */
  readonly pprof: Uint8Array;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly sampleTypes: readonly { readonly type: string; readonly unit: string }[];
}

/** Pyroscope takes what a profile is from these names: waiting is filed under `mutex` by them, and under nothing it knows without. */
const DISPLAY_NAMES: Readonly<Record<string, string>> = { contentions: 'mutex_count', delay: 'mutex_duration' };

const FIRST_DELAY_MS = 500;
const DETAIL_CHARS_MAX = 200;

/** Pushes profiles to Pyroscope's `/ingest`, as files of a form. */
export class Pyroscope {
  readonly #options: PyroscopeOptions;
  readonly #name: string;
  /** A platform that pushes nowhere saves its 9 MB. */
  readonly #axios = import('axios');

  constructor(options: PyroscopeOptions) {
    this.#options = options;
    this.#name = nameOf(options.application, options.labels ?? {});
  }

  /** Throws a PyroscopeError when it was not taken, or the reason of the signal. */
  async push(profile: PushedProfile, signal?: AbortSignal): Promise<void> {
    const { clock, random, attempts = 3 } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#send(profile, signal);
        return;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = failureOf(error);
        if (failure.kind === 'refused' || attempt >= attempts) throw failure;
        await sleep(clock, FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + random.next()), signal);
      }
    }
  }

  async #send(profile: PushedProfile, signal: AbortSignal | undefined): Promise<void> {
    const { url, token, tenant, timeoutMs = 10_000 } = this.#options;
    const { default: axios } = await this.#axios;
    const deadline = AbortSignal.timeout(timeoutMs);
    await axios.post(new URL('ingest', url.endsWith('/') ? url : `${url}/`).href, formOf(profile), {
      params: {
        name: this.#name,
        from: Math.floor(profile.startedMs / 1_000),
        until: Math.ceil((profile.startedMs + profile.durationMs) / 1_000),
        format: 'pprof',
        spyName: 'nodespy',
      },
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
      },
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      maxRedirects: 0,
      maxContentLength: 64 * 1024,
      responseType: 'text',
    });
  }
}

function formOf({ pprof, sampleTypes }: PushedProfile): FormData {
  const form = new FormData();
  form.append('profile', new Blob([Uint8Array.from(pprof)], { type: 'application/octet-stream' }), 'profile.pprof');
  const config = Object.fromEntries(
    sampleTypes.map(({ type, unit }) => [
      type,
      { units: unit, 'display-name': DISPLAY_NAMES[type] ?? type, cumulative: false },
    ]),
  );
  const text = JSON.stringify(config);
  form.append('sample_type_config', new Blob([text], { type: 'application/json' }), 'sample_type_config.json');
  return form;
}

/** `application{label=value,…}`: what would end a value or a name is taken out of it. */
function nameOf(application: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${clean(key)}=${clean(value)}`);
  return pairs.length === 0 ? clean(application) : `${clean(application)}{${pairs.join(',')}}`;
}

function clean(text: string): string {
  return text.replaceAll(/[^\w.:/ -]/g, '_');
}

function isAxiosError(error: unknown): error is AxiosError {
  return error instanceof Error && 'isAxiosError' in error;
}

function failureOf(error: unknown): PyroscopeError {
  if (!isAxiosError(error)) {
    return new PyroscopeError('unreachable', `Pyroscope could not be asked: ${String(error)}`, { cause: error });
  }
  const { response } = error;
  if (!response) {
    const why = error.code === 'ERR_CANCELED' ? 'it did not answer in time' : error.message;
    return new PyroscopeError('unreachable', `Pyroscope cannot be reached: ${why}`, { cause: error });
  }
  const detail = String(response.data ?? '').slice(0, DETAIL_CHARS_MAX);
  const mayPass = response.status >= 500 || response.status === 429;
  return new PyroscopeError(
    mayPass ? 'unreachable' : 'refused',
    `Pyroscope answered ${response.status}${detail ? `: ${detail}` : ''}; look at its address, token and limits`,
    { cause: error },
  );
}
