import type { Readable } from 'node:stream';
import { AxiosError } from 'axios';

/** Told apart by its words from what another attempt may mend, as axios tells its own. */
const TOO_LARGE = 'maxContentLength';

/**
 * Takes in the body of an answer. Not left to axios: what it gathers by itself hangs on the kept-alive connection until
 * the next answer comes that way, twice over, which was 40 MB for a fleet of 100,000.
 */
export async function readBody(stream: Readable, { maxBytes }: { maxBytes: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new AxiosError(`${TOO_LARGE} size of ${maxBytes} exceeded`);
      chunks.push(chunk);
    }
  } catch (error) {
    // Also a connection that breaks off in the middle.
    throw error instanceof AxiosError ? error : AxiosError.from(error as Error);
  }
  const body = Buffer.concat(chunks, bytes);
  for (const chunk of chunks) giveBack(chunk);
  return body;
}

/** At once, and not with some collection to come: what waits for one here was as much as is in use. */
function giveBack({ buffer, byteLength }: Buffer): void {
  // Where it is a piece of something, others may still have theirs.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
