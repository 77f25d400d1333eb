import { Worker } from 'node:worker_threads';
import { errorText } from '../../lib/error-text.ts';
import type { WorkerOptions, WorkerReply, WorkerRequest } from './messages.ts';

/** The wire between the store and the thread that has the file. */
export interface Link {
  send(request: WorkerRequest): void;
  /** Ends the thread at once; SQLite rolls back what it had not committed. */
  end(): Promise<void>;
}

export interface LinkEvents {
  onAnswer(answer: WorkerReply): void;
  /** The thread is gone, for whatever reason; called once, also after `end`. */
  onEnd(why: string): void;
}

export type OpenLink = (options: WorkerOptions, events: LinkEvents) => Link;

/** In a checkout Node runs the .ts file as it is; in the package there is only the compiled one. */
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export const openWorkerLink: OpenLink = (options, events) => {
  const worker = new Worker(WORKER_URL, { workerData: options, name: 'sqlite-store' });
  let why = 'the SQLite worker ended';
  worker.on('message', (answer: WorkerReply) => events.onAnswer(answer));
  worker.on('error', (error) => {
    why = `the SQLite worker failed: ${errorText(error)}`;
  });
  worker.on('exit', () => events.onEnd(why));
  return {
    send: (request) => worker.postMessage(request),
    end: async () => {
      await worker.terminate();
    },
  };
};
