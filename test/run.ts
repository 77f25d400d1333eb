import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * `npm test`: the checks, then every suite that this machine can run. What it cannot run is named at the end, and in CI
 * (CI=true) nothing may be left out. Ends with one plain line: N passed, N failed.
 */

interface Assertion {
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending' | 'skipped' | 'todo' | 'disabled';
}
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly Assertion[] }[];
}

const CHECKS = [
  ['types', 'tsc', ['--noEmit']],
  ['types of the console', 'tsc', ['--noEmit', '-p', 'src/console']],
  ['types in the browser', 'tsc', ['--noEmit', '-p', 'test/integration/console']],
  ['lint and format', 'biome', ['check', '.']],
  ['unused code', 'knip', []],
] as const;

const bin = path.join(import.meta.dirname, '..', 'node_modules', '.bin');
let passed = 0;
let failed = 0;

function run(command: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(path.join(bin, command), args, { stdio: 'inherit' });
  if (error) process.stderr.write(`${command}: ${error.message}\n`);
  return status === 0;
}

for (const [what, command, args] of CHECKS) {
  process.stdout.write(`\n--- ${what}\n`);
  if (run(command, args)) passed += 1;
  else failed += 1;
}

process.stdout.write('\n--- tests\n');
const folder = mkdtempSync(path.join(tmpdir(), 'starling-test-'));
const file = path.join(folder, 'report.json');
const isGood = run('vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${file}`,
  ...process.argv.slice(2),
]);
let leftOut: string[] = [];
try {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  passed += report.numPassedTests;
  // A file that cannot even be loaded has no failed test of its own.
  failed += Math.max(report.numFailedTests, isGood ? 0 : 1);
  leftOut = report.testResults
    .flatMap((result) => result.assertionResults)
    .filter((assertion) => assertion.status !== 'passed' && assertion.status !== 'failed')
    .map((assertion) => assertion.fullName);
} catch (error) {
  process.stderr.write(`no report of the tests: ${(error as Error).message}\n`);
  failed += 1;
}
rmSync(folder, { recursive: true, force: true });

if (leftOut.length > 0) {
  process.stdout.write(`\nleft out (${leftOut.length}):\n`);
  for (const name of leftOut) process.stdout.write(`  ${name}\n`);
}
process.stdout.write(
  `\n${passed} passed, ${failed} failed${leftOut.length > 0 ? `, ${leftOut.length} skipped` : ''}\n`,
);
process.exitCode = failed > 0 ? 1 : 0;
