import path from 'node:path';
import type { VersionRecord } from '../../model/function-record.ts';
import { PlatformError } from '../../model/platform-error.ts';
import type { InstanceBackend } from '../instance-backend.ts';
import type { RecordingPlan } from '../instance-recordings.ts';
import { type MemoryGroup, MemoryGroups } from '../memory/memory-groups.ts';
import { memoryBudgetBytes } from '../memory/memory-limit.ts';
import { MemoryWatchdog } from '../memory/resident-memory.ts';
import { Interpreters } from '../program/interpreters.ts';
import { bootArgs, type Launch, prepareLaunch } from '../program/launch.ts';
import { launchEnvironment } from '../program/launch-environment.ts';
import { layOut, openReceipt, type WorkFolder, WorkFolders } from '../program/work-folder.ts';
import { FramedTransport } from '../transport/framed-transport.ts';
import { RuntimeApi } from '../transport/runtime-api.ts';
import { type BackendSettings, type ProcessBackendOptions, settle } from './backend-options.ts';
import { LineRing } from './line-ring.ts';
import { faultOf, initFailed } from './load-failure.ts';
import { ProcessGuard } from './process-guard.ts';
import { ProcessInstance } from './process-instance.ts';
import { calledOff, untilReady } from './until-ready.ts';
import { WorkerProcess } from './worker-process.ts';

/** Runs instances as processes of this machine. */
export class ProcessBackend implements InstanceBackend {
  readonly #settings: BackendSettings;
  readonly #folders: WorkFolders;
  readonly #memoryGroups: MemoryGroups | undefined;
  readonly #watchdog: MemoryWatchdog;
  readonly #guard: ProcessGuard;
  readonly #interpreters: Interpreters;
  readonly #instances = new Set<ProcessInstance>();
  readonly #recorders = new Map<ProcessInstance, FramedTransport>();
  readonly #starts = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(options: ProcessBackendOptions) {
    this.#settings = settle(options);
    const { clock, workFolder, maySetGroups, mayTakeNearestRuntime } = this.#settings;
    this.#folders = new WorkFolders(workFolder);
    const name = path.basename(this.#folders.root);
    this.#memoryGroups = maySetGroups ? MemoryGroups.open({ name, clock }) : undefined;
    this.#watchdog = new MemoryWatchdog(clock);
    this.#guard = new ProcessGuard({ folder: this.#folders.root, memoryGroups: this.#memoryGroups?.folder, clock });
    // Version managers are found through our own path; functions are not told it.
    const ownPath = process.env['PATH'] ?? this.#settings.path;
    this.#interpreters = new Interpreters({ path: ownPath, mayTakeNearest: mayTakeNearestRuntime });
    this.#settings.recordings?.connect((plan) => this.#tellRecorders(plan));
  }

  /** Of the instances that can record themselves. */
  #tellRecorders(plan: RecordingPlan | undefined): number {
    let told = 0;
    for (const [instance, transport] of this.#recorders) {
      if (!instance.isAlive) continue;
      transport.record(plan);
      told += 1;
    }
    return told;
  }

  get memoryLimit(): 'cgroup' | 'watchdog' {
    return this.#memoryGroups ? 'cgroup' : 'watchdog';
  }

  /** Processes that are not reaped yet. */
  get live(): number {
    return this.#instances.size;
  }

  async start(
    version: VersionRecord,
    options: { instanceId: string; signal?: AbortSignal | undefined },
  ): Promise<ProcessInstance> {
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
  async close({ graceMs = this.#settings.killGraceMs }: { graceMs?: number } = {}): Promise<void> {
    this.#isClosed = true;
    while (this.#instances.size > 0 || this.#starts.size > 0) {
      const stops = [...this.#instances].map((instance) => instance.stop({ graceMs }));
      await Promise.allSettled([...stops, ...this.#starts]);
    }
    this.#guard.leave();
    this.#memoryGroups?.close();
    this.#folders.close();
  }

  async #start(
    version: VersionRecord,
    { instanceId, signal }: { instanceId: string; signal?: AbortSignal | undefined },
  ): Promise<ProcessInstance> {
    const { clock, initTimeoutMs } = this.#settings;
    const launch = await prepareLaunch(version, { settings: this.#settings, interpreters: this.#interpreters });
    if (this.#isClosed) throw new PlatformError('stopping', 'the platform is stopping');
    if (signal?.aborted) throw calledOff(signal);
    const start: Start = { ...launch, version, instanceId, folder: this.#folders.make() };
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

  /** Node and Python: the interpreter boots while its code is laid out, and is told then what to load. */
  async #startFramed(start: Start): Promise<ProcessInstance> {
    const { version, folder, interpreter } = start;
    const ring = new LineRing({ linesMax: this.#settings.logLinesMax });
    const worker = await WorkerProcess.spawn({
      command: interpreter?.command ?? process.execPath,
      args: bootArgs(start, { version, isProfiled: this.#settings.recordings !== undefined }),
      folder: folder.code,
      environment: this.#environment(start),
      receiptFile: openReceipt(folder),
      ring,
      clock: this.#settings.clock,
    });
    const { instance, joined, isGrouped } = this.#adopt(start, worker, ring);
    const transport = new FramedTransport({
      // A worker with a receipt has a channel.
      channel: worker.channel!,
      receiptPath: folder.receipt,
      resultBytesMax: this.#settings.resultBytesMax,
      listener: instance,
    });
    instance.connect(transport);
    void this.#load(start, instance, transport, isGrouped).catch((error: unknown) =>
      instance.onLoadFailed(faultOf(error)),
    );
    await joined;
    return instance;
  }

  async #load(start: Start, instance: ProcessInstance, transport: FramedTransport, isGrouped: boolean): Promise<void> {
    const { version, program, folder } = start;
    await layOut(folder, program.files, { executable: false });
    const isPython = program.family === 'python';
    const { recordings } = this.#settings;
    const isProfiled = recordings !== undefined && program.family === 'node' && instance.isAlive;
    if (isProfiled) this.#recorders.set(instance, transport);
    transport.load({
      entry: path.isAbsolute(program.entry) ? program.entry : path.join(folder.code, program.entry),
      entryName: path.basename(program.entry),
      exportName: program.exportName,
      functionName: this.#settings.nameOf(version),
      versionId: version.versionId,
      instanceId: instance.instanceId,
      memoryMb: version.launch.memoryMb,
      resultBytesMax: this.#settings.resultBytesMax,
      ...(isProfiled && { isProfiled, plan: recordings.plan }),
      ...(isPython && {
        folder: folder.code,
        module: program.entry.replace(/(?:\/__init__)?\.py$/, '').replaceAll('/', '.'),
        dataBytesMax: isGrouped ? 0 : memoryBudgetBytes(version.launch),
      }),
    });
  }

  /** Executables speak the Lambda Runtime API, and find their code laid out. */
  async #startExecutable(start: Start): Promise<ProcessInstance> {
    const { program, folder, version } = start;
    await layOut(folder, program.files, { executable: true });
    const ring = new LineRing({ linesMax: this.#settings.logLinesMax });
    // The executable may ask before its instance is known here: whatever it says is kept for a moment.
    let instance: ProcessInstance | undefined;
    const api = await RuntimeApi.listen({
      clock: this.#settings.clock,
      functionName: this.#settings.nameOf(version),
      resultBytesMax: this.#settings.resultBytesMax,
      listener: {
        onReady: () => instance?.onReady(),
        onLoadFailed: (fault) => instance?.onLoadFailed(fault),
        onAnswer: (number, end) => instance?.onAnswer(number, end),
        onChunk: (number, chunk) => instance?.onChunk(number, chunk),
        onStreamEnd: (number) => instance?.onStreamEnd(number),
        onChild: (number, child, answer) => instance?.onChild(number, child, answer),
        onRecorded: (body) => instance?.onRecorded(body),
        onBroken: (detail) => instance?.onBroken(detail),
        onClosed: () => instance?.onClosed(),
      },
    });
    try {
      const worker = await WorkerProcess.spawn({
        command: path.join(folder.code, program.entry),
        args: [],
        folder: folder.code,
        environment: this.#environment(start, api.address),
        receiptFile: undefined,
        ring,
        clock: this.#settings.clock,
      });
      const adopted = this.#adopt(start, worker, ring);
      instance = adopted.instance;
      instance.connect(api);
      await adopted.joined;
      return instance;
    } catch (error) {
      api.close();
      throw error;
    }
  }

  /** From here on the process has somebody who answers for it, and its end takes everything away. */
  #adopt(start: Start, worker: WorkerProcess, ring: LineRing) {
    const { clock, deafMs, killGraceMs, resultBytesMax } = this.#settings;
    const { version, folder } = start;
    this.#guard.watch(worker.pid);
    if (this.#isClosed) worker.end(0);
    const limitBytes = memoryBudgetBytes(version.launch);
    const group = this.#makeGroup(folder, limitBytes);
    let unwatch = () => {};
    const instance: ProcessInstance = new ProcessInstance({
      instanceId: start.instanceId,
      runtime: start.interpreter?.title ?? version.launch.runtime,
      worker,
      ring,
      clock,
      deafMs,
      killGraceMs,
      resultBytesMax,
      oomKills: () => group?.oomKills ?? 0,
      onRecorded: (body) => {
        const functionName = this.#settings.nameOf(version);
        this.#settings.recordings?.take({ functionName, instanceId: start.instanceId, body });
      },
      cleanUp: async () => {
        this.#recorders.delete(instance);
        this.#guard.release(worker.pid);
        unwatch();
        await joined;
        await group?.remove();
        await this.#folders.remove(folder).catch(() => {});
        this.#instances.delete(instance);
      },
    });
    this.#instances.add(instance);
    const watch = () => {
      unwatch = this.#watchdog.watch({
        pid: worker.pid,
        limitBytes,
        onExceeded: (usedBytes) => instance.onMemoryExceeded(usedBytes, limitBytes),
      });
    };
    if (!group) watch();
    // A process that could not be put into its group is not left without a limit.
    const joined = group?.join(worker.pid).catch(() => {
      if (!worker.isReaped) watch();
    });
    return { instance, joined, isGrouped: group !== undefined };
  }

  #makeGroup(folder: WorkFolder, limitBytes: number): MemoryGroup | undefined {
    try {
      return this.#memoryGroups?.create(path.basename(folder.home), limitBytes);
    } catch {
      return undefined;
    }
  }

  #environment({ version, instanceId, folder }: Start, runtimeApi?: string): Record<string, string> {
    const functionName = this.#settings.nameOf(version);
    return launchEnvironment({ version, functionName, instanceId, folder, path: this.#settings.path, runtimeApi });
  }
}

interface Start extends Launch {
  readonly version: VersionRecord;
  readonly instanceId: string;
  readonly folder: WorkFolder;
}
