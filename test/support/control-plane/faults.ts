import type { ServerResponse } from 'node:http';
import { PROBLEM_CONTENT_TYPE } from '../../../src/contract/problem.ts';

export type DoubleCall = 'prediction' | 'deployment' | 'gpu-specification' | 'scaling-targets' | 'token';

/** Something that goes wrong with one request. Those that say "after" let the control plane act first. */
export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** What a proxy or a misconfigured host answers. */
  | { readonly kind: 'html'; readonly status: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'hang-after' }
  | { readonly kind: 'reset' }
  /** Applied, and the connection breaks before the answer. */
  | { readonly kind: 'reset-after' }
  /** The answer is JSON that stops in the middle. */
  | { readonly kind: 'cut-after' }
  | { readonly kind: 'oversize-after'; readonly bytes: number }
  | { readonly kind: 'delay'; readonly delayMs: number };

export interface FaultRule {
  readonly call?: DoubleCall;
  readonly versionId?: string;
  readonly fault: Fault;
  /** Unset: until it is removed. */
  readonly times?: number;
}

/** Which fault strikes which request. The first rule that fits is used, and used up. */
export class Faults {
  readonly #rules: { rule: FaultRule; left: number }[] = [];

  inject(rule: FaultRule): () => void {
    const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
    this.#rules.push(entry);
    return () => {
      const index = this.#rules.indexOf(entry);
      if (index >= 0) this.#rules.splice(index, 1);
    };
  }

  clear(): void {
    this.#rules.length = 0;
  }

  take(call: DoubleCall, versionId: string | undefined): Fault | undefined {
    const entry = this.#rules.find(
      ({ rule, left }) =>
        left > 0 &&
        (rule.call === undefined || rule.call === call) &&
        (rule.versionId === undefined || rule.versionId === versionId),
    );
    if (!entry) return undefined;
    entry.left -= 1;
    return entry.rule.fault;
  }
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Lets the fault have its way before, instead of, or after the control plane acts. */
export function suffer(response: ServerResponse, fault: Fault | undefined, act: () => Reply): void {
  switch (fault?.kind) {
    case undefined:
      send(response, act());
      return;
    case 'status':
      send(response, { status: fault.status, ...(fault.headers ? { headers: fault.headers } : {}), body: fault.body });
      return;
    case 'html':
      response.writeHead(fault.status, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!doctype html><title>It works!</title><h1>It works!</h1>');
      return;
    case 'hang':
      return;
    case 'hang-after':
      act();
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'reset-after':
      act();
      response.socket?.resetAndDestroy();
      return;
    case 'cut-after': {
      const { status, body } = act();
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body).slice(0, -5));
      return;
    }
    case 'oversize-after': {
      const { status, body } = act();
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...(body as object), padding: 'x'.repeat(fault.bytes) }));
      return;
    }
    case 'delay':
      setTimeout(() => send(response, act()), fault.delayMs).unref();
      return;
    default:
      fault satisfies never;
  }
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const isProblem = status >= 400;
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': isProblem ? PROBLEM_CONTENT_TYPE : 'application/json' }),
    ...headers,
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
