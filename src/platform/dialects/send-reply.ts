import type { ServerResponse } from 'node:http';
import type { Reply } from '../model/reply.ts';

/** Above this the copy costs more than it saves. */
const ONE_PIECE_BYTES_MAX = 16 * 1024;

export interface ReplyForm {
  /** Of replies with a status of 400 or more; left out: JSON, as of all others. */
  readonly errorType?: string;
}

export function sendReply(response: ServerResponse, { status, body, headers }: Reply, { errorType }: ReplyForm): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // These two have no body, whatever a function says.
  if (body === undefined || status === 204 || status === 304) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const type = (status >= 400 && errorType) || 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  endWith(response, bytes);
}

/** The end of a response. Text that has a character for each byte goes out in one piece with the head; bytes would be a piece of their own. */
export function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > ONE_PIECE_BYTES_MAX) {
    response.end(body);
    return;
  }
  response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1');
}
