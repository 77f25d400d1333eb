/** The nouns of the platform. A function is a name that lasts; a version is code plus launch settings and never changes. */

/** Whose function it is: each dialect lists its own. In the order in which they are asked for a route. */
export const NAMESPACES = ['native', 'orchestrator', 'builtin'] as const;

export type Namespace = (typeof NAMESPACES)[number];

export type RuntimeFamily = 'node' | 'python' | 'executable';

/** How an instance is launched. Part of the deploy id: another timeout is another deploy. */
export interface LaunchSettings {
  /** As it was asked for: `node22`, `python3.13`, `provided.al2023`, `go`, … */
  readonly runtime: string;
  /** `file.export`, `module.function`, or the executable's own name. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Calls in flight per instance; one unless the handler says that it can take more. */
  readonly concurrency: number;
}

/** What may change while a version stays what it is. */
export interface PoolSettings {
  /** `never`: an instance ends after each call. `by-hand`: so it does, unless it was warmed by hand; those serve while they are there. */
  readonly reuse: 'warm' | 'by-hand' | 'never';
  readonly instancesMin: number;
  readonly instancesMax: number;
  /** Kept warm once there was traffic. */
  readonly keepWarm: number;
  /** Kept free beside busy ones, for as long as any is busy; as many as `keepWarm` unless set. */
  readonly freeBesideBusy?: number | undefined;
  readonly idleTtlMs: number;
  readonly ageMaxMs: number | undefined;
  readonly usesMax: number | undefined;
  /** Callers that may wait for an instance; one more is turned away. */
  readonly queueDepth: number;
}

export type Code =
  /** Source text of one file. */
  | { readonly kind: 'source'; readonly text: string }
  /** Files of a zip or a folder, by their path inside; checked before they are kept. */
  | { readonly kind: 'files'; readonly files: ReadonlyMap<string, Uint8Array> }
  /** A handler that ships with the platform. */
  | { readonly kind: 'builtin'; readonly name: string };

export interface VersionRecord {
  /** The id that the control-plane contract and the metrics speak of. */
  readonly versionId: string;
  readonly functionId: string;
  readonly deployId: string;
  readonly launch: LaunchSettings;
  readonly pool: PoolSettings;
  readonly createdMs: number;
}

export type FunctionStatus = 'ACTIVE' | 'DEPLOYING' | 'INACTIVE' | 'ERRORED' | 'DELETED';

export interface ServedVersion extends VersionRecord {
  readonly status: FunctionStatus;
}

/**
 * Which versions may be called. Asked once for each call, so it answers from memory, and with the same object until
 * something about the version has changed: that is how pools notice new settings.
 */
export interface VersionDirectory {
  version(versionId: string): ServedVersion | undefined;
}

export interface FunctionRecord {
  readonly functionId: string;
  readonly namespace: Namespace;
  readonly name: string;
  readonly account: string;
  /** Other ids that lead here, such as `fn-1700000000000-abc123def`. */
  readonly aliases: readonly string[];
  readonly activeVersionId: string | undefined;
  readonly status: FunctionStatus;
  readonly triggers: readonly TriggerRecord[];
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface TriggerRecord {
  readonly type: 'http' | 'schedule' | 'event';
  readonly config: Readonly<Record<string, unknown>>;
}
