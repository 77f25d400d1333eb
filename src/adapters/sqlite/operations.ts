import type { Sql } from './sql.ts';
import { enrolVersions, readVersions } from './tables/active-versions.ts';
import { listControls, putControl, removeControl } from './tables/controls.ts';
import { openDuty, readDuty, releaseDuty, renewDuty, takeDuty } from './tables/duties.ts';
import { claimStates, forgetState, readState, readStates, settleStates } from './tables/function-state.ts';
import { recallEntries, recordEntries } from './tables/ledger.ts';
import { listMembers, writeMember } from './tables/members.ts';
import { agreeOnLayout, readLayout } from './tables/settings.ts';
import { isSweepDue, sweepAged } from './tables/sweep.ts';

/** What the worker does for the store, by the name that also stands in the metrics. Reads need no transaction. */
export const READS = {
  'roster.list': listMembers,
  'duties.read': readDuty,
  'catalogue.read': readVersions,
  'states.read': readStates,
  'states.readOne': readState,
  'ledger.recall': recallEntries,
  'controls.list': listControls,
  'sweep.due': isSweepDue,
  layout: readLayout,
  ping: (sql: Sql): void => {
    sql.prepare('SELECT count(*) FROM settings').get();
  },
};

/** Each runs inside a transaction that it may share with others. */
export const WRITES = {
  agree: agreeOnLayout,
  'roster.beat': writeMember,
  'duties.open': openDuty,
  'duties.take': takeDuty,
  'duties.renew': renewDuty,
  'duties.release': releaseDuty,
  'catalogue.enrol': enrolVersions,
  'states.claim': claimStates,
  'states.settle': settleStates,
  'states.forget': forgetState,
  'ledger.record': recordEntries,
  'controls.put': putControl,
  'controls.remove': removeControl,
  'sweep.run': sweepAged,
};

export type Reads = typeof READS;
export type Writes = typeof WRITES;
export type ReadName = keyof Reads;
export type WriteName = keyof Writes;
type Rest<T> = T extends (sql: Sql, ...args: infer Args) => unknown ? Args : never;
export type ArgsOf<T> = Rest<T>;
export type ResultOf<T> = T extends (...args: never[]) => infer Result ? Result : never;
