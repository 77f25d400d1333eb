import { Agent, get } from 'node:http';
import { fleetVersion } from '../test/support/timeseries/fleet.ts';

/** As many functions as such a reader has in flight. */
const IN_FLIGHT = 10;
const BY = 'function_id, function_version_id, nca_id';

/**
 * The other way to read, for comparison: four range queries for every version in every cycle (instances over five minutes,
 * utilisation over ten, and calls over thirty under both names of the request counter), one GET each.
 */
export class PerVersionReads {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });

  constructor(url: string) {
    this.#url = url;
  }

  /** Reads these versions once. */
  async pass(versions: readonly number[]): Promise<void> {
    const waiting = [...versions];
    const worker = async () => {
      for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
        for (const path of this.#queries(index)) await this.#get(path);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  }

  close(): void {
    this.#agent.destroy();
  }

  #queries(index: number): string[] {
    const { functionId, versionId } = fleetVersion(index);
    const now = Math.floor(Date.now() / 1000);
    const ids = `function_id="${functionId}", function_version_id="${versionId}"`;
    const worker = `{${ids}, environment="prod"}`;
    const gateway = `{${ids}, aws_env="prd"}`;
    const threads = `nvcf_worker_service_worker_thread_count_total${worker}`;
    const busy = `nvcf_worker_service_worker_thread_busy_seconds_total${worker}`;
    const called = (metric: string) => {
      const calls = `${metric}${gateway}`;
      return `(sum by(${BY})(${calls} > 0) and sum by(${BY})(${calls} unless ${calls} offset 5m)) or (sum by(${BY})(increase(${calls}[5m]) > 0))`;
    };
    const settled = Math.floor(now / 60) * 60 - 60;
    return [
      rangePath(`count by(${BY})(${threads})`, { minutes: 5, end: settled }),
      rangePath(`((sum by(${BY})(increase(${busy}[70s]))) / 70 * 100) / (sum by(${BY})(${threads}))`, {
        minutes: 10,
        end: now,
      }),
      rangePath(called('function_request'), { minutes: 30, end: now }),
      rangePath(called('function_request_total'), { minutes: 30, end: now }),
    ];
  }

  #get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      get(`${this.#url}${path}`, { agent: this.#agent }, (answer) => {
        answer.resume();
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${answer.statusCode}`)),
        );
      }).on('error', reject);
    });
  }
}

function rangePath(query: string, { minutes, end }: { minutes: number; end: number }): string {
  const form = { query, start: String(end - minutes * 60), end: String(end), step: '60' };
  return `/api/v1/query_range?${new URLSearchParams(form)}`;
}
