/** What a handler returned, taken apart. */
export interface FunctionResult {
  readonly statusCode: number;
  /** Undefined: the handler named none. */
  readonly headers: Readonly<Record<string, string | string[]>> | undefined;
  readonly body: unknown;
  /** The body is base64 of what is to go out. */
  readonly isBase64: boolean;
}

/** `{statusCode, headers?, body}` is a whole reply; anything else is the body of one with status 200. */
export function readResult(bytes: Uint8Array): FunctionResult {
  const value = parseBody(bytes);
  if (!isHttpResult(value)) return { statusCode: 200, headers: undefined, body: value, isBase64: false };
  const { statusCode, headers, body = null, isBase64Encoded } = value;
  return { statusCode, headers: readHeaders(headers), body, isBase64: isBase64Encoded === true };
}

/** Text that is an object or a list in JSON, as handlers for gateways return it, is shown as what it is. */
export function shownBody(body: unknown): unknown {
  return typeof body === 'string' && /^\s*[{[]/.test(body) ? jsonOrText(body) : body;
}

type HttpResult = { readonly statusCode: number } & Readonly<Record<'headers' | 'body' | 'isBase64Encoded', unknown>>;

/** A status that HTTP has and that ends a request; with any other number it is somebody's data. */
function isHttpResult(value: unknown): value is HttpResult {
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) return false;
  const { statusCode } = value;
  return typeof statusCode === 'number' && Number.isInteger(statusCode) && statusCode >= 200 && statusCode <= 599;
}

/** Streams and executables may answer with text that is no JSON. */
function parseBody(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return null;
  return jsonOrText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Anything else could begin a header of its own, or a second response. */
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** Of the connection and not of the reply: they are ours. */
const NOT_TO_SET = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer']);

function readHeaders(given: unknown): FunctionResult['headers'] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const headers: [string, string | string[]][] = [];
  for (const [name, value] of Object.entries(given)) {
    const values = (Array.isArray(value) ? value : [value]).map(String);
    if (!HEADER_NAME.test(name) || NOT_TO_SET.has(name.toLowerCase())) continue;
    if (!values.every((each) => HEADER_VALUE.test(each))) continue;
    headers.push([name.toLowerCase(), Array.isArray(value) ? values : (values[0] ?? '')]);
  }
  return headers.length > 0 ? Object.fromEntries(headers) : undefined;
}
