import { DeadlineExceeded } from '../../lib/deadline.ts';
import { StoreError, type StoreErrorKind } from '../../ports/store-error.ts';

/**
 * What may have come of a statement that failed: `none` for reads, `write` for plain writes, which the driver may have
 * tried on several nodes, `conditional` for compare-and-set, which is sent once.
 */
export type Effect = 'none' | 'write' | 'conditional';

/** Every failure as the kind that the caller may act on. Errors are recognised by name and code, so the driver need not be loaded. */
export function toStoreError(error: unknown, call: { what: string; effect: Effect }): StoreError {
  if (error instanceof StoreError) return error;
  const kind = kindOf(error, call.effect);
  const text = `${call.what}: ${describe(error)}${adviceFor(kind, error)}`;
  return new StoreError(kind, text, { cause: error });
}

interface DriverFailure {
  readonly name?: string;
  readonly message?: string;
  /** A number of the protocol, or the string of a socket error. */
  readonly code?: number | string;
  readonly consistencies?: number;
  readonly isSocketError?: boolean;
  readonly requestNotWritten?: boolean;
  readonly innerErrors?: Record<string, unknown>;
}

/** The driver throws this as a plain error before it has sent anything. */
const NO_CONNECTION = 'No connection available';

const SERIAL_LEVELS: readonly (number | undefined)[] = [0x08, 0x09];

function kindOf(error: unknown, effect: Effect): StoreErrorKind {
  const inDoubt: StoreErrorKind = effect === 'none' ? 'unavailable' : 'unknown';
  if (error instanceof DeadlineExceeded) return inDoubt;
  const failure = (error ?? {}) as DriverFailure;
  if (isDistrust(failure)) return 'auth';
  switch (failure.name) {
    case 'NoHostAvailableError':
      return kindOfAll(Object.values(failure.innerErrors ?? {}), effect);
    case 'AuthenticationError':
      return 'auth';
    case 'BusyConnectionError':
      return 'busy';
    case 'ArgumentError':
      return 'schema';
    case 'ResponseError':
      return kindOfResponse(failure, effect);
    default:
      return failure.requestNotWritten || failure.message === NO_CONNECTION ? 'unavailable' : inDoubt;
  }
}

/** No node did it. Only a plain write may have been sent to one of them; a conditional one is never tried on a second. */
function kindOfAll(errors: readonly unknown[], effect: Effect): StoreErrorKind {
  const kinds = errors.map((inner) => kindOf(inner, effect === 'write' && wasSent(inner) ? 'write' : 'none'));
  const telling: readonly StoreErrorKind[] = ['auth', 'unknown', 'schema', 'full'];
  const found = telling.find((kind) => kinds.includes(kind));
  if (found) return found;
  return kinds.length > 0 && kinds.every((kind) => kind === 'busy') ? 'busy' : 'unavailable';
}

function wasSent(error: unknown): boolean {
  const { name, isSocketError, requestNotWritten } = (error ?? {}) as DriverFailure;
  if (name === 'OperationTimedOutError' || name === 'ResponseError') return true;
  return isSocketError === true && requestNotWritten !== true;
}

function kindOfResponse({ code, consistencies, message = '' }: DriverFailure, effect: Effect): StoreErrorKind {
  const inDoubt: StoreErrorKind = effect === 'none' ? 'unavailable' : 'unknown';
  switch (code) {
    case 0x0100: // bad credentials
    case 0x2100: // unauthorized
      return 'auth';
    case 0x1000: // unavailable: at a serial level nothing was proposed, at another the commit had no replicas
      return effect !== 'conditional' || SERIAL_LEVELS.includes(consistencies) ? 'unavailable' : 'unknown';
    case 0x1001: // overloaded: a conditional write may have got as far as its commit
      return effect === 'conditional' ? 'unknown' : 'busy';
    case 0x1002: // bootstrapping
      return 'unavailable';
    case 0x1100: // write timeout
    case 0x1500: // write failure
    case 0x1200: // read timeout, also inside a compare-and-set
    case 0x1300: // read failure
      return inDoubt;
    case 0x2200: // invalid: an unknown table, or a guardrail
      return /disk usage/i.test(message) ? 'full' : 'schema';
    case 0x2000: // syntax
    case 0x2300: // configuration
    case 0x2400: // already exists
      return 'schema';
    default:
      return /no space left/i.test(message) ? 'full' : inDoubt;
  }
}

const DISTRUST = /^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/;

function isDistrust({ code }: DriverFailure): boolean {
  return typeof code === 'string' && DISTRUST.test(code);
}

function describe(error: unknown): string {
  const { innerErrors, message } = (error ?? {}) as DriverFailure;
  const inner = Object.entries(innerErrors ?? {});
  if (inner.length === 0) return message ?? String(error);
  const each = inner.slice(0, 3).map(([host, why]) => `${host}: ${(why as DriverFailure)?.message ?? String(why)}`);
  return `no node could be used (${each.join('; ')}${inner.length > 3 ? '; …' : ''})`;
}

function adviceFor(kind: StoreErrorKind, error: unknown): string {
  const text = describe(error);
  const inner = Object.values((error as DriverFailure | undefined)?.innerErrors ?? {});
  switch (kind) {
    case 'auth':
      if ([error, ...inner].some((one) => isDistrust((one ?? {}) as DriverFailure))) {
        return '. The certificate is not trusted: check the authority file, and the addresses in the certificate';
      }
      if (/permission|authorized/i.test(text)) return '. The role lacks a permission: see docs/cassandra.md';
      return '. Check user and password';
    case 'schema':
      if (/keyspace|table|column|unconfigured/i.test(text))
        return '. Run `starling migrate` first, with a role that may create tables';
      return '';
    case 'unavailable':
      if (/ECONNRESET|wrong version number|socket hang up/i.test(text)) {
        return '. Does the node want TLS, or does it not talk TLS? Check the TLS settings on both sides';
      }
      return '';
    case 'unknown':
    case 'busy':
    case 'full':
    case 'closed':
      return '';
  }
}
