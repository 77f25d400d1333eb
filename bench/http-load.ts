import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface LoadTarget {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
}

export interface LoadReport {
  readonly requestsPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly requests: number;
  /** Answers by status; 0: the connection broke. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers that said that an instance was started for them. */
  readonly cold: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** One request after the other on each of so many connections. Sockets and bytes, so that the load costs less than what it loads. */
export async function load(
  target: LoadTarget,
  { connections, forMs }: { connections: number; forMs: number },
): Promise<LoadReport> {
  const { hostname, port, pathname, search, host } = new URL(target.url);
  const body = target.body ?? '';
  const request = Buffer.from(
    `${target.method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let cold = 0;
  const beganMs = performance.now();
  const endMs = beganMs + forMs;

  const one = () =>
    new Promise<void>((resolve) => {
      const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
      let received: Buffer = Buffer.alloc(0);
      let sentMs = 0;
      const send = () => {
        sentMs = performance.now();
        if (sentMs >= endMs) socket.end();
        else socket.write(request);
      };
      socket.on('connect', send);
      socket.on('data', (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const headBytes = received.indexOf(HEAD_END);
        if (headBytes < 0) return;
        const head = received.toString('latin1', 0, headBytes);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
        if (Number.isNaN(length)) throw new Error(`an answer without a length: ${head}`);
        if (received.length < headBytes + HEAD_END.length + length) return;
        received = Buffer.alloc(0);
        times.push(performance.now() - sentMs);
        const status = Number(head.slice(9, 12));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (head.includes('x-starling-cold: true')) cold += 1;
        send();
      });
      socket.on('error', () => statuses.set(0, (statuses.get(0) ?? 0) + 1));
      socket.on('close', () => resolve());
    });

  await Promise.all(Array.from({ length: connections }, one));
  const tookMs = performance.now() - beganMs;
  times.sort((left, right) => left - right);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return {
    requestsPerSecond: (times.length / tookMs) * 1_000,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    requests: times.length,
    statuses,
    cold,
  };
}
