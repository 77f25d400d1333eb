import { execFile } from 'node:child_process';

/** A script as people paste it, with the server's real address in the place of the documented one. */
export function shell(script: string, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-euo', 'pipefail', '-c', script.replaceAll('http://localhost:3001', url)],
      { timeout: 100_000, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stderr}`));
        else resolve(stdout);
      },
    );
  });
}
