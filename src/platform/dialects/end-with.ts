import type { ServerResponse } from 'node:http';

/** Beyond it the copy costs more than it saves. */
const ONE_PIECE_BYTES_MAX = 16 * 1024;

/** The last of an answer. Text that has a character for each byte goes out in one piece with the head; bytes would be a piece of their own. */
export function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > ONE_PIECE_BYTES_MAX) {
    response.end(body);
    return;
  }
  response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1');
}
