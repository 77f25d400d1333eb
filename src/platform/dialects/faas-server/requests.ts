import { PlatformError } from '../../model/platform-error.ts';
import { parseJson } from '../read-body.ts';

/** Parameters are a handful of numbers and words. */
export const BODY_MAX_BYTES = 1024 * 1024;
export const BURST_MAX = 100;
export const CHAIN_MAX = 100;
export const WARM_POOL_MAX = 64;
/** What a burst and a warm pool have unless the request says it. */
export const COUNT = 5;

const NO_PARAMETERS = Buffer.from('{}');

/** The body as it goes to the function: looked into, so that what is no object fails here, and passed on as it came. */
export function parametersOf(body: Buffer): Buffer {
  const parameters = parseJson(body);
  if (parameters === undefined) return NO_PARAMETERS;
  if (!isObject(parameters)) throw new PlatformError('input-invalid', 'body must be a JSON object of parameters');
  return body;
}

export interface ChainRequest {
  readonly chain: readonly string[];
  /** Of the first step. */
  readonly parameters: Buffer;
}

export function chainOf(body: Buffer, isKnown: (name: string) => boolean): ChainRequest {
  const request = parseJson(body);
  const chain = isObject(request) ? request['chain'] : undefined;
  if (!isObject(request) || !Array.isArray(chain)) {
    throw new PlatformError('input-invalid', "body must contain 'chain' array of function names");
  }
  if (chain.length > CHAIN_MAX) {
    throw new PlatformError('input-invalid', `'chain' must have ${CHAIN_MAX} functions at most`);
  }
  const { params = {} } = request;
  if (!isObject(params)) throw new PlatformError('input-invalid', "'params' must be a JSON object");
  const names = chain.map((name: unknown) => {
    if (typeof name !== 'string') throw new PlatformError('input-invalid', "'chain' must hold names of functions");
    if (!isKnown(name)) throw new PlatformError('function-unknown', `unknown function in chain: ${name}`);
    return name;
  });
  return { chain: names, parameters: Buffer.from(JSON.stringify(params)) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
