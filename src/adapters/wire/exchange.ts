import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import axios from 'axios';
import { scrubLine } from '../../lib/scrub.ts';

/** What an answer is made of. `page`: HTML or other text, so not what we meant to talk to. `broken`: JSON that is cut off. */
type BodyKind = 'json' | 'empty' | 'page' | 'broken';

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly bodyKind: BodyKind;
  readonly body: unknown;
  readonly contentType: string;
  readonly header: (name: string) => string | undefined;
}

type NoAnswerCause = 'refused' | 'reset' | 'aborted' | 'tls' | 'too-large' | 'unresolved' | 'credential';

export interface NoAnswer {
  readonly kind: 'no-answer';
  readonly cause: NoAnswerCause;
  /** Whether the other side may have seen the request. */
  readonly mayHaveArrived: boolean;
  readonly detail: string;
}

const CONNECT_CODES = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES'];
const TLS_CODE = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|ERR_OSSL)/;

/** One request, one answer, nothing behind our back: no redirects, no proxies of the environment, no parsing, no throwing on status. */
export async function exchange(
  config: AxiosRequestConfig,
  { responseMaxBytes }: { responseMaxBytes: number },
): Promise<Answer | NoAnswer> {
  try {
    const response = await axios.request<string>({
      adapter: 'http',
      maxRedirects: 0,
      proxy: false,
      responseType: 'text',
      transformResponse: [(text: unknown) => text],
      validateStatus: () => true,
      maxContentLength: responseMaxBytes,
      maxBodyLength: responseMaxBytes,
      ...config,
    });
    return answerOf(response);
  } catch (error) {
    return noAnswerOf(error, responseMaxBytes);
  }
}

function answerOf(response: AxiosResponse<string>): Answer {
  const header = (name: string) => {
    const value: unknown = response.headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const contentType = header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const text = typeof response.data === 'string' ? response.data : '';
  return { kind: 'answer', status: response.status, contentType, header, ...readBody(text, contentType) };
}

function readBody(text: string, contentType: string): { bodyKind: BodyKind; body: unknown } {
  if (text.trim() === '') return { bodyKind: 'empty', body: undefined };
  const isJson = contentType === 'application/json' || contentType.endsWith('+json');
  if (!isJson) return { bodyKind: 'page', body: undefined };
  try {
    return { bodyKind: 'json', body: JSON.parse(text) };
  } catch {
    return { bodyKind: 'broken', body: undefined };
  }
}

function noAnswerOf(error: unknown, responseMaxBytes: number): NoAnswer {
  const { code, message } = describe(error);
  const no = (cause: NoAnswerCause, mayHaveArrived: boolean, detail: string): NoAnswer => ({
    kind: 'no-answer',
    cause,
    mayHaveArrived,
    detail: scrubLine(detail),
  });
  if (axios.isCancel(error) || code === 'ERR_CANCELED') return no('aborted', true, 'given up before the answer came');
  if (message.includes('maxContentLength'))
    return no('too-large', true, `the answer is larger than ${responseMaxBytes} bytes`);
  if (CONNECT_CODES.includes(code)) return no('refused', false, `no connection: ${message}`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return no('unresolved', false, `the name does not resolve: ${message}`);
  // Handshakes end before any request is read. Expired and foreign certificates both end here.
  if (TLS_CODE.test(code)) return no('tls', false, `no trusted connection: ${message} (${code})`);
  return no('reset', true, `the connection broke: ${message}`);
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  // Several addresses tried, all failed: the first failure tells why.
  const cause = error.cause instanceof AggregateError ? error.cause.errors[0] : error;
  const shown: unknown = cause instanceof Error ? cause : error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, message: shown instanceof Error && shown.message !== '' ? shown.message : code };
}
