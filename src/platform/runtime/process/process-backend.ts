import os from 'node:os';
import path from 'node:path';
import type { VersionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { InstanceBackend, StartOptions } from '../instance-backend.ts';
import type { RecordingPlan } from '../instance-recordings.ts';
import { MemoryLimiter } from '../memory/memory-limit.ts';
import { Interpreters } from '../program/interpreters.ts';
import { BOOTSTRAP_FOLDER, bootArgs, type Launch, launchEnvironment, prepareLaunch } from '../program/launch.ts';
import { DEFAULT_BUILTIN } from '../program/program.ts';
import { layOut, openReceipt, type WorkFolder, WorkFolders } from '../program/work-folder.ts';
import { FramedTransport } from '../transport/framed-transport.ts';
import { RuntimeApi } from '../transport/runtime-api.ts';
import { FUNCTION_PATH, KILL_GRACE_MS, type ProcessBackendOptions, RESULT_BYTES_MAX } from './backend-options.ts';
import { LineRing } from './line-ring.ts';
import { ProcessGuard } from './process-guard.ts';
import { ProcessInstance } from './process-instance.ts';
import { calledOff, faultOf, initFailed, untilReady } from './until-ready.ts';
import { WorkerProcess } from './worker-process.ts';

const INIT_TIMEOUT_MS = 10_000;
const DEAF_MS = 1_500;

/** Runs instances as processes of this machine. */
export class ProcessBackend implements InstanceBackend {
  readonly #options: ProcessBackendOptions;
  readonly #folders: WorkFolders;
  readonly #memory: MemoryLimiter;
  readonly #guard: ProcessGuard;
  readonly #interpreters: Interpreters;
  readonly #instances = new Set<ProcessInstance>();
  readonly #recorders = new Map<ProcessInstance, FramedTransport>();
  readonly #starts = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: ProcessBackendOptions) {
    this.#options = options;
    const { clock, memoryLimit, mayTakeNearestRuntime = false } = options;
    this.#folders = new WorkFolders(options.workFolder ?? os.tmpdir());
    const name = path.basename(this.#folders.root);
    this.#memory = new MemoryLimiter({ clock, name, mayUseGroups: memoryLimit !== 'watchdog' });
    this.#guard = new ProcessGuard({ folder: this.#folders.root, memoryGroups: this.#memory.groupsFolder, clock });
    // Version managers are found through our own path, which functions do not get.
    const ownPath = process.env['PATH'] ?? FUNCTION_PATH;
    this.#interpreters = new Interpreters({ path: ownPath, mayTakeNearest: mayTakeNearestRuntime });
    this.#options.recordings?.connect((plan) => this.#sendPlan(plan));
  }

  /** Of the instances that can record themselves. */
  #sendPlan(plan: RecordingPlan | undefined): number {
    let sent = 0;
    for (const [instance, transport] of this.#recorders) {
      if (!instance.isAlive) continue;
      transport.record(plan);
      sent += 1;
    }
    return sent;
  }

  get memoryLimit(): 'cgroup' | 'watchdog' {
    return this.#memory.kind;
  }

  /** Processes that are not reaped yet. */
  get live(): number {
    return this.#instances.size;
  }

  async start(version: VersionRecord, options: StartOptions): Promise<ProcessInstance> {
    const start = this.#start(version, options);
    this.#starts.add(start);
    try {
      return await start;
    } catch (error) {
      throw initFailed(error, version.launch.handler);
    } finally {
      this.#starts.delete(start);
    }
  }

  /** Ends every instance and takes away every folder. Nothing starts afterwards. */
  async close({ graceMs = KILL_GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    this.#isClosed = true;
    while (this.#instances.size > 0 || this.#starts.size > 0) {
      const stops = [...this.#instances].map((instance) => instance.stop({ graceMs }));
      await Promise.allSettled([...stops, ...this.#starts]);
    }
    this.#guard.leave();
    this.#memory.close();
    this.#folders.close();
  }

  async #start(
    version: VersionRecord,
    { instanceId, memoryLimitBytes, signal }: StartOptions,
  ): Promise<ProcessInstance> {
    const { clock, codeOf, initTimeoutMs = INIT_TIMEOUT_MS } = this.#options;
    const launch = await prepareLaunch(version, {
      codeOf,
      builtinFile: (name) => this.#builtinFile(name),
      interpreters: this.#interpreters,
    });
    if (this.#isClosed) throw new PlatformError('stopping', 'the platform is stopping');
    if (signal?.aborted) throw calledOff(signal);
    const start: Start = { ...launch, version, instanceId, memoryLimitBytes, folder: this.#folders.make() };
    let instance: ProcessInstance;
    try {
      instance =
        launch.program.family === 'executable' ? await this.#startExecutable(start) : await this.#startFramed(start);
    } catch (error) {
      await this.#folders.remove(start.folder);
      throw error;
    }
    try {
      await untilReady(instance.ready, { clock, initTimeoutMs, signal });
      return instance;
    } catch (error) {
      await instance.stop({ graceMs: 0 });
      throw error;
    }
  }

  /** Node and Python: the interpreter boots while its code is laid out, and then gets a message with what to load. */
  async #startFramed(start: Start): Promise<ProcessInstance> {
    const { version, folder, interpreter } = start;
    const ring = new LineRing();
    const worker = await WorkerProcess.spawn({
      command: interpreter?.command ?? process.execPath,
      args: bootArgs(start, { version, isProfiled: this.#options.recordings !== undefined }),
      folder: folder.code,
      environment: this.#environment(start),
      receiptFile: openReceipt(folder),
      ring,
      clock: this.#options.clock,
    });
    const { instance, limit } = this.#adopt(start, worker, ring);
    const transport = new FramedTransport({
      // A worker with a receipt has a channel.
      channel: worker.channel!,
      receiptPath: folder.receipt,
      resultBytesMax: RESULT_BYTES_MAX,
      listener: instance,
    });
    instance.connect(transport);
    void this.#load(start, instance, transport, limit.isHeldByKernel).catch((error: unknown) =>
      instance.onLoadFailed(faultOf(error)),
    );
    await limit.imposed;
    return instance;
  }

  async #load(
    start: Start,
    instance: ProcessInstance,
    transport: FramedTransport,
    isHeldByKernel: boolean,
  ): Promise<void> {
    const { version, program, folder } = start;
    await layOut(folder, program.files, { executable: false });
    const isPython = program.family === 'python';
    const { recordings } = this.#options;
    const isProfiled = recordings !== undefined && program.family === 'node' && instance.isAlive;
    if (isProfiled) this.#recorders.set(instance, transport);
    transport.load({
      entry: path.isAbsolute(program.entry) ? program.entry : path.join(folder.code, program.entry),
      entryName: path.basename(program.entry),
      exportName: program.exportName,
      functionName: this.#options.nameOf(version),
      versionId: version.versionId,
      instanceId: instance.instanceId,
      memoryMb: version.launch.memoryMb,
      resultBytesMax: RESULT_BYTES_MAX,
      ...(isProfiled && { isProfiled, plan: recordings.plan }),
      ...(isPython && {
        folder: folder.code,
        module: program.entry.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.'),
        dataBytesMax: isHeldByKernel ? 0 : start.memoryLimitBytes,
      }),
    });
  }

  /** Executables speak the Lambda Runtime API, and find their code laid out. */
  async #startExecutable(start: Start): Promise<ProcessInstance> {
    const { program, folder, version } = start;
    await layOut(folder, program.files, { executable: true });
    const ring = new LineRing();
    const api = await RuntimeApi.listen({
      clock: this.#options.clock,
      functionName: this.#options.nameOf(version),
      resultBytesMax: RESULT_BYTES_MAX,
    });
    try {
      const worker = await WorkerProcess.spawn({
        command: path.join(folder.code, program.entry),
        args: [],
        folder: folder.code,
        environment: this.#environment(start, api.address),
        receiptFile: undefined,
        ring,
        clock: this.#options.clock,
      });
      const { instance, limit } = this.#adopt(start, worker, ring);
      api.connect(instance);
      instance.connect(api);
      await limit.imposed;
      return instance;
    } catch (error) {
      api.close();
      throw error;
    }
  }

  /** From here on an instance stands for the process, and the end of the process takes everything away. */
  #adopt(start: Start, worker: WorkerProcess, ring: LineRing) {
    const { clock, deafMs = DEAF_MS } = this.#options;
    const { version, folder } = start;
    this.#guard.watch(worker.pid);
    if (this.#isClosed) worker.end(0);
    const limitBytes = start.memoryLimitBytes;
    const limit = this.#memory.limit(worker, {
      name: path.basename(folder.home),
      limitBytes,
      onExceeded: (usedBytes) => instance.onMemoryExceeded(usedBytes, limitBytes),
    });
    const instance: ProcessInstance = new ProcessInstance({
      instanceId: start.instanceId,
      runtime: start.interpreter?.title ?? version.launch.runtime,
      worker,
      ring,
      clock,
      deafMs,
      oomKills: limit.oomKills,
      onRecorded: (body) => {
        const functionName = this.#options.nameOf(version);
        this.#options.recordings?.take({ functionName, instanceId: start.instanceId, body });
      },
      cleanUp: async () => {
        this.#recorders.delete(instance);
        this.#guard.release(worker.pid);
        await limit.lift();
        await this.#folders.remove(folder).catch(() => {});
        this.#instances.delete(instance);
      },
    });
    this.#instances.add(instance);
    return { instance, limit };
  }

  #builtinFile(name: string): string | undefined {
    if (name === DEFAULT_BUILTIN) return path.join(BOOTSTRAP_FOLDER, 'default-handler.cjs');
    return this.#options.builtinFile?.(name);
  }

  #environment({ version, instanceId, folder }: Start, runtimeApi?: string): Record<string, string> {
    const functionName = this.#options.nameOf(version);
    return launchEnvironment({ version, functionName, instanceId, folder, path: FUNCTION_PATH, runtimeApi });
  }
}

interface Start extends Launch {
  readonly version: VersionRecord;
  readonly instanceId: string;
  readonly memoryLimitBytes: number;
  readonly folder: WorkFolder;
}
