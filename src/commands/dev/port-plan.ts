import { createServer } from 'node:net';
import { ListenError, listen } from '../../lib/listen.ts';

export const HOST = '127.0.0.1';
export const CONSOLE_PORT = 8080;
/** From the console's port, so that the defaults are the ports that everything has when it runs alone. */
const PLATFORM_ABOVE = 10;
const METRICS_STORE_ABOVE = 1_010;
export const PORT_MAX = 65_535 - METRICS_STORE_ABOVE;

export interface PortPlan {
  readonly console: number;
  readonly platform: number;
  readonly metricsStore: number;
}

/** One port from the command line, and the others beside it; 0 asks the system for all of them. */
export function portPlan(port: number): PortPlan {
  if (port === 0) return { console: 0, platform: 0, metricsStore: 0 };
  return { console: port, platform: port + PLATFORM_ABOVE, metricsStore: port + METRICS_STORE_ABOVE };
}

/** Looks at all of them before anything is started; one line for each that cannot be had. */
export async function refuseTakenPorts(wanted: readonly { what: string; port: number }[]): Promise<void> {
  const faults = await Promise.all(wanted.map(faultOf));
  const taken = faults.filter((fault) => fault !== undefined);
  if (taken.length === 0) return;
  throw new ListenError([...taken, 'Is another starling dev running? --port moves all of them.'].join('\n'));
}

export async function isFree(port: number): Promise<boolean> {
  return (await faultOf({ what: '', port })) === undefined;
}

async function faultOf({ what, port }: { what: string; port: number }): Promise<string | undefined> {
  if (port === 0) return undefined;
  try {
    await listenOnce(port, what);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A port that was free a moment ago, for a process that must know where to listen before it starts. */
export function freePort(): Promise<number> {
  return listenOnce(0, 'a replica');
}

/** Takes the port and gives it back. */
async function listenOnce(port: number, what: string): Promise<number> {
  const server = createServer();
  try {
    return await listen(server, { host: HOST, port, what });
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
