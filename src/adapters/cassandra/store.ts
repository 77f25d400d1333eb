import { describeLayoutConflict, type Layout, type Store } from '../../ports/store.ts';
import { StoreError } from '../../ports/store-error.ts';
import { type CassandraOptions, type CassandraSecrets, fillOptions } from './cassandra-options.ts';
import { catalogueOn } from './catalogue.ts';
import { controlsOn } from './controls.ts';
import { CassandraDutyKeeper } from './duty-keeper.ts';
import { ledgerOn } from './ledger.ts';
import { rosterOn } from './roster.ts';
import { MIGRATIONS, migrationKey } from './schema/migrations.ts';
import { readSetting, writeSettingOnce } from './schema/settings.ts';
import { Session } from './session.ts';
import { CassandraStateKeeper } from './state-keeper.ts';

const LAYOUT = 'layout';

/** The coordination store of a fleet, on Cassandra. */
export class CassandraStore implements Store {
  readonly roster: Store['roster'];
  readonly duties: Store['duties'];
  readonly catalogue: Store['catalogue'];
  readonly states: Store['states'];
  readonly ledger: Store['ledger'];
  readonly controls: Store['controls'];
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
    this.roster = rosterOn(session);
    this.duties = new CassandraDutyKeeper(session);
    this.catalogue = catalogueOn(session);
    this.states = new CassandraStateKeeper(session);
    this.ledger = ledgerOn(session);
    this.controls = controlsOn(session);
  }

  /** Connects; rejects with a StoreError where it cannot, and may then be called again. */
  static async open(options: CassandraOptions): Promise<CassandraStore> {
    return new CassandraStore(await Session.open(fillOptions(options)));
  }

  async agree(layout: Layout): Promise<void> {
    const stored = await this.readLayout();
    const agreed = stored ?? parseLayout(await writeSettingOnce(this.#session, LAYOUT, JSON.stringify(layout)));
    const conflict = describeLayoutConflict(layout, agreed);
    if (conflict) throw new StoreError('schema', conflict);
  }

  async readLayout(): Promise<Layout | undefined> {
    await this.#assertMigrated();
    const stored = await readSetting(this.#session, LAYOUT);
    return stored === undefined ? undefined : parseLayout(stored);
  }

  async ping(): Promise<void> {
    // A table of ours and not a system table: it also proves the keyspace, the permission and the quorum.
    const { heartbeatDeadlineMs: deadlineMs } = this.#session.options;
    const query = 'SELECT name FROM settings WHERE name = ?';
    await this.#session.rows('ping', query, [LAYOUT], { deadlineMs, isUrgent: true });
  }

  /** Goes over to new secrets without a pause. On failure it rejects, stays with the old ones, and tries again by itself. */
  async replaceSecrets(secrets: CassandraSecrets): Promise<void> {
    await this.#session.replaceSecrets(secrets);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #assertMigrated(): Promise<void> {
    const keys = MIGRATIONS.map(({ id }) => migrationKey(id));
    const rows = await this.#session.rows('agree', 'SELECT name FROM settings WHERE name IN ?', [keys]);
    const applied = new Set(rows.map((row) => row['name']));
    const missing = MIGRATIONS.filter(({ id }) => !applied.has(migrationKey(id))).map(({ id }) => id);
    if (missing.length === 0) return;
    const { keyspace } = this.#session.options;
    throw new StoreError('schema', `keyspace ${keyspace} lacks ${missing.join(', ')}: run \`starling migrate\` first`);
  }
}

function parseLayout(text: string): Layout {
  return JSON.parse(text) as Layout;
}
