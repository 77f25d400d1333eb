import { ApiClient, ApiError } from '../api/client.ts';
import { listen } from '../api/listen.ts';
import type { Control, Member, Move, Status, Summary } from '../api/shapes.ts';
import type { ServerEvent } from '../api/sse-parser.ts';
import { Token } from '../api/token.ts';
import { Cell } from '../cell.ts';
import { addMoves, applyMoves, type TimedMove } from '../view/bucket-map.ts';
import { elsewhere, mergeRows, type Rows, receivesAllChanges, replaceRows } from '../view/fleet-rows.ts';

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly sinceMs: number; readonly retryAtMs: number; readonly why: string };

export type Reading =
  | { readonly state: 'loading'; readonly count: number }
  | { readonly state: 'read'; readonly atMs: number }
  | { readonly state: 'failed'; readonly why: string };

const PAGE_ROWS = 1_000;
/** What other members decide is not told here: their rows are read again this often. */
const READ_AGAIN_MS = 20_000;

/** The one line to the member, and everything that has come over it. */
export class Session {
  readonly token = new Token(sessionStorage);
  readonly client = new ApiClient(this.token);
  readonly connection = new Cell<Connection>({ state: 'connecting' });
  readonly lastEventMs = new Cell(0);
  readonly status = new Cell<Status | undefined>(undefined);
  readonly members = new Cell<readonly Member[]>([]);
  readonly owners = new Cell<readonly (string | null)[]>([]);
  readonly moves = new Cell<readonly TimedMove[]>([]);
  readonly rows = new Cell<Rows>(new Map());
  readonly reading = new Cell<Reading>({ state: 'loading', count: 0 });
  readonly controls = new Cell<readonly Control[]>([]);
  /** Versions that were just told of: their pages look again. */
  readonly touched = new Cell<ReadonlySet<string>>(new Set());
  #life = new AbortController();
  #isReading = false;
  #memberId: string | undefined;

  start(): void {
    this.#life.abort();
    this.#life = new AbortController();
    const { signal } = this.#life;
    void listen(
      this.client,
      {
        onEvent: (event) => this.#take(event),
        onLost: (error, retryAtMs) => this.#lose(error, retryAtMs),
      },
      signal,
    );
    const timer = setInterval(() => {
      if (receivesAllChanges(this.rows.value, this.members.value)) return;
      if (this.connection.value.state === 'live' && !document.hidden) void this.#readAll();
    }, READ_AGAIN_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  giveToken(token: string): void {
    this.token.give(token);
    this.connection.set({ state: 'connecting' });
    this.start();
  }

  async readControls(): Promise<void> {
    try {
      this.controls.set((await this.client.get<{ items: Control[] }>('v1/controls')).items);
    } catch {
      // The last ones stay; the state of the line and of the store is shown elsewhere.
    }
  }

  #take({ type, data }: ServerEvent): void {
    this.lastEventMs.set(Date.now());
    switch (type) {
      case 'hello': {
        const { memberId } = data as { memberId: string };
        // Behind one address another member may answer now: what was live at the one before is not live at this one.
        if (this.#memberId !== undefined && memberId !== this.#memberId) this.rows.set(elsewhere(this.rows.value));
        this.#memberId = memberId;
        this.connection.set({ state: 'live' });
        void this.#readAll();
        return;
      }
      case 'status':
        this.status.set(data as Status);
        return;
      case 'functions': {
        const { items, gone } = data as { items: Summary[]; gone: string[] };
        this.rows.set(mergeRows(this.rows.value, items, gone));
        this.touched.set(new Set(items.map(({ versionId }) => versionId)));
        return;
      }
      case 'members':
        this.members.set((data as { items: Member[] }).items);
        return;
      case 'moves': {
        const { at, items } = data as { at: string; items: Move[] };
        this.owners.set(applyMoves(this.owners.value, items));
        this.moves.set(addMoves(this.moves.value, items, Date.parse(at)));
        return;
      }
      case 'controls':
        void this.readControls();
        return;
      case 'resync':
        void this.#readAll();
        return;
    }
  }

  #lose(error: ApiError, retryAtMs: number): void {
    const before = this.connection.value;
    const sinceMs = before.state === 'lost' ? before.sinceMs : Date.now();
    this.connection.set({ state: 'lost', sinceMs, retryAtMs, why: error.message });
    if (this.reading.value.state === 'loading') this.reading.set({ state: 'failed', why: error.message });
  }

  async #readAll(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      await Promise.all([this.#readShares(), this.readControls(), this.#readRows()]);
    } finally {
      this.#isReading = false;
    }
  }

  async #readShares(): Promise<void> {
    try {
      const [members, buckets] = await Promise.all([
        this.client.get<{ items: Member[] }>('v1/members'),
        this.client.get<{ items: { owner: string | null }[] }>('v1/buckets'),
      ]);
      this.members.set(members.items);
      this.owners.set(buckets.items.map(({ owner }) => owner));
    } catch {
      // Shown as they were; the next reading comes.
    }
  }

  async #readRows(): Promise<void> {
    const isFirst = this.reading.value.state !== 'read';
    if (isFirst) this.reading.set({ state: 'loading', count: 0 });
    const items: Summary[] = [];
    try {
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page: { items: Summary[]; next: string | null } = await this.client.get(
          `v1/functions?limit=${PAGE_ROWS}${query}`,
        );
        items.push(...page.items);
        cursor = page.next;
        if (isFirst) {
          this.reading.set({ state: 'loading', count: items.length });
          this.rows.set(mergeRows(this.rows.value, page.items));
        }
      } while (cursor !== null);
      this.rows.set(replaceRows(this.rows.value, items));
      this.reading.set({ state: 'read', atMs: Date.now() });
    } catch (error) {
      // A list that is there is better than none: the line tells that it is old.
      if (isFirst)
        this.reading.set({ state: 'failed', why: error instanceof ApiError ? error.message : 'It broke off.' });
    }
  }
}
