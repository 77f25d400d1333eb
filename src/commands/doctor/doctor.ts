import { type Command, Option as Flag } from 'commander';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import { addConfigFlags, configOf } from '../config-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from '../output.ts';
import { AREAS, type Area, type Finding, findingLine } from './finding.ts';

interface DoctorOptions {
  readonly output: OutputFormat;
  readonly only?: readonly Area[];
  readonly strict?: boolean;
}

/** `starling doctor`: checks everything that the autoscaler depends on, says what is wrong and what to do. */
export function declareDoctor(command: Command, end: (code: ExitCode) => void): void {
  command
    .addOption(new Flag('--only <area...>', 'look at these alone').choices(AREAS))
    .option('--strict', 'what is doubtful counts as wrong');
  addOutputFlag(addConfigFlags(command)).action(async () => {
    const { output, only = AREAS, strict = false } = command.opts<DoctorOptions>();
    const loaded = await configOf(command);
    const { examine } = await import('./examine.ts');
    const findings: Finding[] = [];
    const progress = progressOn(process.stderr);
    try {
      await examine(loaded, {
        areas: new Set(only),
        onBegin: (area, what) => progress.show(`${area}: ${what} …`),
        onFinding: (finding) => {
          progress.clear();
          findings.push(finding);
          if (output === 'table') process.stdout.write(`${findingLine(finding, process.stdout)}\n`);
        },
      });
    } finally {
      progress.clear();
    }
    const wrong = strict ? ['bad', 'doubtful'] : ['bad'];
    const isWell = !findings.some(({ state }) => wrong.includes(state));
    const document = { isWell, at: new Date().toISOString(), findings };
    const counts = `${countOf(findings, 'good')} good, ${countOf(findings, 'doubtful')} doubtful, ${countOf(findings, 'bad')} bad`;
    await printAs(output, document, () => counts);
    end(isWell ? EXIT.ok : EXIT.checkFalse);
  });
}

function countOf(findings: readonly Finding[], state: Finding['state']): number {
  return findings.filter((finding) => finding.state === state).length;
}

/** One line that is overwritten, for people who wait; nothing where there is no terminal. */
export function progressOn(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>): {
  show: (text: string) => void;
  clear: () => void;
} {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  const clear = () => stream.write('\r\u001b[2K');
  return {
    show: (text) => {
      clear();
      stream.write(text);
    },
    clear,
  };
}
