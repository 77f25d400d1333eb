import type { IncomingMessage } from 'node:http';
import { PlatformError } from '../model/platform-error.ts';

const DEPTH_HEADER = 'x-starling-depth';

/**
 * How deep in calls of functions by functions a request is, as its caller says: it ends chains that go round over HTTP, and
 * gives no rights. Throws `input-invalid`.
 */
export function depthOf({ headers }: IncomingMessage): number {
  const text = headers[DEPTH_HEADER];
  if (text === undefined) return 0;
  if (typeof text === 'string' && /^[0-9]{1,3}$/.test(text)) return Number(text);
  throw new PlatformError('input-invalid', `the header ${DEPTH_HEADER} must be a whole number`);
}
