import { type LogLine, MemberProcess, until } from './member-process.ts';

interface Dependency {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

export interface MemberStatus {
  readonly memberId: string;
  readonly members: number;
  readonly bucketsOwned: number;
  readonly freeze: { readonly isFrozen: boolean };
  readonly dependencies: readonly Dependency[];
  readonly loops: readonly { readonly name: string; readonly activations: number; readonly failures: number }[];
}

export interface SeenVersion {
  readonly versionId: string;
  readonly bucket: number;
  readonly owner: string | null;
  /** Unknown where another member decides. */
  readonly latest: {
    readonly at: string;
    readonly verdict: string;
    readonly wanted: number | null;
    readonly reasons: string[];
  } | null;
}

/** A replica in a process of its own, and what its admin API and its metrics say. */
export class RunningMember {
  readonly process: MemberProcess;
  readonly #admin: string;
  readonly #health: string;
  readonly #metrics: string;
  readonly memberId: string;

  private constructor(process: MemberProcess, at: { admin: string; health: string; metrics: string; member: string }) {
    this.process = process;
    this.#admin = at.admin;
    this.#health = at.health;
    this.#metrics = at.metrics;
    this.memberId = at.member;
  }

  /** Resolves when the loops run; the share comes a little later. */
  static async start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const process = new MemberProcess(['autoscale', ...ANY_PORT, ...args], environment);
    const [starting, started] = await Promise.all([
      process.event('service.starting'),
      process.event('service.started'),
    ]);
    const text = (value: unknown) => String(value);
    return new RunningMember(process, {
      admin: text(started['admin']),
      health: text(starting['health']),
      metrics: text(starting['metrics']),
      member: text(starting['member']),
    });
  }

  /** Where the console and the admin API are. */
  get adminUrl(): string {
    return `http://${this.#admin}`;
  }

  status(): Promise<MemberStatus> {
    return this.#ask<MemberStatus>('/v1/status');
  }

  /** When this replica last evaluated each bucket, by bucket; those that it never did since they came are left out. */
  async evaluated(): Promise<Map<number, number>> {
    const { items } = await this.#ask<{ items: { bucket: number; lastEvaluatedAt: string | null }[] }>('/v1/buckets');
    return new Map(
      items.flatMap(({ bucket, lastEvaluatedAt }) => (lastEvaluatedAt ? [[bucket, Date.parse(lastEvaluatedAt)]] : [])),
    );
  }

  async owners(): Promise<(string | null)[]> {
    const { items } = await this.#ask<{ items: { owner: string | null }[] }>('/v1/buckets');
    return items.map(({ owner }) => owner);
  }

  /** All active versions, page by page. */
  async versions(): Promise<SeenVersion[]> {
    const found: SeenVersion[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page: { items: SeenVersion[]; next: string | null } = await this.#ask(`/v1/functions?limit=1000${query}`);
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }

  version(versionId: string): Promise<{ state: { applied: number | null; outcome: string | null } | null }> {
    return this.#ask(`/v1/functions/${encodeURIComponent(versionId)}`);
  }

  /** Waits for whole scaling cycles that begin after now. */
  async cycles(count: number): Promise<void> {
    const activations = async () => (await this.status()).loops.find(({ name }) => name === 'scale')?.activations ?? 0;
    // The one that may be running has begun before.
    const end = (await activations()) + 1 + count;
    await until(`${count} more cycles`, 30_000 + count * 5_000, async () => (await activations()) >= end);
  }

  events(event: string): LogLine[] {
    return this.process.lines.filter((line) => line.event === event);
  }

  async health(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
    return askHealth(this.#health, path);
  }

  /** The sum over the series of a metric that carry these labels; undefined where there is none. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.#metrics}/metrics`)).text();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const values = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((pair) => line.includes(pair)))
      .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  }

  async #ask<T>(path: string): Promise<T> {
    const answer = await fetch(`http://${this.#admin}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}

export const ANY_PORT: readonly string[] = [
  ...['--http-admin', '127.0.0.1:0', '--http-health', '127.0.0.1:0', '--http-metrics', '127.0.0.1:0'],
  ...['--log-format', 'json'],
];

export async function askHealth(address: string, path: string) {
  const answer = await fetch(`http://${address}${path}`);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Waits until these replicas share all buckets among them, each has evaluated its own, and no view differs. */
export function untilShared(members: readonly RunningMember[], withinMs = 60_000): Promise<void> {
  return until(`${members.length} replicas share the buckets`, withinMs, async () => {
    const [views, evaluated] = await Promise.all([
      Promise.all(members.map((member) => member.owners())),
      Promise.all(members.map((member) => member.evaluated())),
    ]);
    const [first = []] = views;
    const ids = new Set(members.map(({ memberId }) => memberId));
    const isAgreed = views.every((view) => view.join() === first.join());
    const isComplete = new Set(first).size === ids.size && first.every((owner) => owner !== null && ids.has(owner));
    const isServed = members.every(({ memberId }, index) =>
      first.every((owner, bucket) => (owner === memberId) === (evaluated[index]?.has(bucket) ?? false)),
    );
    return isAgreed && isComplete && isServed ? true : undefined;
  }).then(() => {});
}
