import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Code, LaunchSettings, VersionRecord } from '../../../src/platform/model/function-record.ts';
import type { Call, CallEnd, RunningInstance, StartOptions } from '../../../src/platform/runtime/instance-backend.ts';
import { memoryLimitBytes } from '../../../src/platform/runtime/memory/memory-limit.ts';
import type { ProcessBackendOptions } from '../../../src/platform/runtime/process/backend-options.ts';
import { ProcessBackend } from '../../../src/platform/runtime/process/process-backend.ts';
import { aVersion } from './a-version.ts';

/** A back end of real processes in a folder of its own, and versions to start on it. */
export class ABackend {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'starling-test-'));
  readonly backend: ProcessBackend;
  readonly #codes = new Map<string, Code>();

  constructor(options: Partial<ProcessBackendOptions> = {}) {
    this.backend = new ProcessBackend({
      clock: systemClock,
      workFolder: this.folder,
      codeOf: ({ versionId }) => this.#codes.get(versionId)!,
      nameOf: () => 'a-function',
      initTimeoutMs: 15_000,
      // These machines are slow at times, and few tests are about deafness.
      deafMs: 10_000,
      ...options,
    });
  }

  version(code: Code | string, launch: Partial<LaunchSettings> = {}): VersionRecord {
    const versionId = `version-${this.#codes.size + 1}`;
    this.#codes.set(versionId, typeof code === 'string' ? { kind: 'source', text: code } : code);
    return aVersion(versionId, {
      functionId: 'function-1',
      deployId: versionId,
      launch: { runtime: 'node', timeoutMs: 10_000, ...launch },
    });
  }

  node(text: string, launch: Partial<LaunchSettings> = {}) {
    return this.start(this.version(text, launch));
  }

  python(text: string, launch: Partial<LaunchSettings> = {}) {
    return this.start(this.version(text, { runtime: 'python', handler: 'main.handler', ...launch }));
  }

  start(version: VersionRecord, options: Partial<StartOptions> = {}) {
    return this.backend.start(version, {
      instanceId: 'instance-1',
      memoryLimitBytes: memoryLimitBytes(version.launch, 1.5),
      ...options,
    });
  }

  /** What is left on disk of all instances. */
  instanceFolders(): string[] {
    const root = readdirSync(this.folder).find((name) => name.startsWith('starling-'));
    return root === undefined
      ? []
      : readdirSync(path.join(this.folder, root)).filter((name) => name !== 'package.json');
  }

  async close(): Promise<void> {
    await this.backend.close({ graceMs: 0 });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function call(instance: RunningInstance, payload: unknown = {}, options: Partial<Call> = {}): Promise<CallEnd> {
  return instance.call({
    requestId: 'request-1',
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    timeoutMs: 10_000,
    ...options,
  });
}

/** The result as a value, or the end as it is. */
export async function answer(instance: RunningInstance, payload?: unknown, options?: Partial<Call>): Promise<unknown> {
  const end = await call(instance, payload, options);
  return end.kind === 'result' ? JSON.parse(Buffer.from(end.body).toString()) : end;
}

/** Whether a process runs; one that only waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits for what must come true; fails with what it was waiting for. */
export async function until(what: string, isTrue: () => boolean, timeoutMs = 10_000): Promise<void> {
  const endMs = systemClock.monotonicMs() + timeoutMs;
  while (!isTrue()) {
    if (systemClock.monotonicMs() > endMs) throw new Error(`it never came true that ${what}`);
    await new Promise<void>((resolve) => systemClock.after(10, resolve));
  }
}
