import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CassandraJars } from './cassandra-jars.ts';
import type { Guard } from './guard.ts';
import { javaArguments, type NodePlan } from './node-files.ts';

/** One Cassandra process. It can be killed, frozen and started again on the same data. */
export class CassandraNode {
  readonly plan: NodePlan;
  readonly #jars: CassandraJars;
  readonly #guard: Guard;
  readonly #isAlone: boolean;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: { plan: NodePlan; jars: CassandraJars; guard: Guard; isAlone: boolean }) {
    this.plan = options.plan;
    this.#jars = options.jars;
    this.#guard = options.guard;
    this.#isAlone = options.isAlone;
  }

  get logFile(): string {
    return join(this.plan.folder, 'system.log');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves as soon as the node says that it takes clients. */
  async start(timeoutMs = 120_000): Promise<void> {
    if (this.#child) throw new Error(`the node ${this.plan.address} is running`);
    const from = (await this.log()).length;
    this.#spawn();
    const endMs = performance.now() + timeoutMs;
    while (!(await this.log()).slice(from).includes('Startup complete')) {
      if (!this.#child) throw new Error(`Cassandra ${this.plan.address} ended while starting:\n${await this.#tail()}`);
      if (performance.now() > endMs) {
        await this.kill();
        throw new Error(`Cassandra ${this.plan.address} was not ready after ${timeoutMs} ms:\n${await this.#tail()}`);
      }
      await sleep(100);
    }
  }

  #spawn(): void {
    const log = openSync(this.logFile, 'a');
    const child = spawn(this.#jars.java, javaArguments(this.plan, this.#jars, { isAlone: this.#isAlone }), {
      stdio: ['ignore', log, log],
      cwd: this.plan.folder,
    });
    closeSync(log);
    this.#child = child;
    if (child.pid !== undefined) this.#guard.watch(child.pid);
    this.#exited = new Promise((resolve) => {
      const end = () => {
        if (child.pid !== undefined) this.#guard.forget(child.pid);
        this.#child = undefined;
        resolve();
      };
      child.once('exit', end);
      child.once('error', end);
    });
  }

  /** Ends at once, as on a power cut; resolves when the process is gone and its ports are free. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends as an operator would end it, which drains the commit log. */
  async stop(): Promise<void> {
    const child = this.#child;
    child?.kill('SIGCONT');
    child?.kill('SIGTERM');
    const lastResort = setTimeout(() => child?.kill('SIGKILL'), 20_000);
    await this.#exited;
    clearTimeout(lastResort);
  }

  /** Freezes the process: its sockets stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  log(): Promise<string> {
    return readFile(this.logFile, 'utf8').catch(() => '');
  }

  async #tail(): Promise<string> {
    return (await this.log()).split('\n').slice(-25).join('\n');
  }
}
