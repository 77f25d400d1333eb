import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.ts';
import type { End, Failure, Job, WorkerOptions, WorkerReply, WorkerRequest } from './messages.ts';
import { openDatabase, SchemaMismatch } from './open-database.ts';
import { READS, WRITES } from './operations.ts';
import { Sql } from './sql.ts';

type AnyOperation = (sql: Sql, ...args: readonly unknown[]) => unknown;

const { path } = workerData as WorkerOptions;
const answer = (message: WorkerReply): void => parentPort?.postMessage(message);

function start(): void {
  let db: DatabaseSync;
  try {
    db = openDatabase(workerData as WorkerOptions);
  } catch (error) {
    answer({ kind: 'unusable', failure: failureAtOpening(error) });
    return;
  }
  const sql = new Sql(db);
  parentPort?.on('message', (request: WorkerRequest) => {
    const ends = request.kind === 'read' ? [read(sql, request)] : write(sql, request.jobs);
    answer({ kind: 'answer', id: request.id, ends });
  });
  answer({ kind: 'ready' });
}

function failureAtOpening(error: unknown): Failure {
  const { kind, message } = failureOf(error, { path });
  return {
    kind: error instanceof SchemaMismatch ? 'schema' : kind,
    message: `the coordination store cannot be opened: ${message}`,
  };
}

function read(sql: Sql, request: { name: keyof typeof READS; args: readonly unknown[] }): End {
  try {
    return { ok: true, value: (READS[request.name] as AnyOperation)(sql, ...request.args) };
  } catch (error) {
    return { ok: false, failure: failureOf(error, { path }) };
  }
}

/** All jobs in one transaction, so that many claims cost one wait for the disk; one that fails takes no other with it. */
function write(sql: Sql, jobs: readonly Job[]): End[] {
  const { db } = sql;
  let isCommitting = false;
  try {
    db.exec('BEGIN IMMEDIATE');
    const ends = jobs.map((job) => inSavepoint(sql, job));
    isCommitting = true;
    db.exec('COMMIT');
    return ends;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    const failure = failureOf(error, { path, isCommitting });
    return jobs.map(() => ({ ok: false, failure }));
  }
}

function inSavepoint(sql: Sql, job: Job): End {
  const { db } = sql;
  db.exec('SAVEPOINT job');
  try {
    const value = (WRITES[job.name] as AnyOperation)(sql, ...job.args);
    db.exec('RELEASE job');
    return { ok: true, value };
  } catch (error) {
    // A full disk ends the whole transaction by itself; then nobody's job was done.
    if (!db.isTransaction) throw error;
    db.exec('ROLLBACK TO job; RELEASE job');
    return { ok: false, failure: failureOf(error, { path }) };
  }
}

start();
