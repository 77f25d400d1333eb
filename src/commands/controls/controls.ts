import type { Command } from 'commander';
import { z } from 'zod';
import { formatDuration } from '../../config/duration.ts';
import { printableLine } from '../../lib/printable.ts';
import { EXIT, type ExitCode } from '../../wiring/exit-codes.ts';
import type { AdminClient } from '../../wiring/fleet/admin-client.ts';
import { AdminError } from '../../wiring/fleet/admin-error.ts';
import { controlSchema, type FleetControl, readControls } from '../../wiring/fleet/fleet.ts';
import { addAdminFlags, adminClient } from '../admin-flags.ts';
import { addOutputFlag, type OutputFormat, printAs } from '../output.ts';
import { wholeNumber } from '../value-flags.ts';
import { addChangeFlags, addSpanFlags, type ChangeFlags, confirm, type SpanFlags, spanBody } from './change-flags.ts';

/** What operators can ask of the fleet: `starling pause`, `override`, `resume` and `unfreeze`. */

type Flags = SpanFlags & ChangeFlags & { readonly output: OutputFormat };

const WANTED_MAX = 1_000_000;

export function declarePause(command: Command, end: (code: ExitCode) => void): void {
  command.argument('<function-version>', 'the version id');
  changing(addSpanFlags(command)).action(async (versionId: string) => {
    const flags = command.opts<Flags>();
    const question = `Leave ${printableLine(versionId)} as it is for ${formatDuration(flags.for)}?`;
    end(await put(command, { versionId, path: pathOf(versionId, 'pause'), body: spanBody(flags), question }));
  });
}

export function declareOverride(command: Command, end: (code: ExitCode) => void): void {
  command
    .argument('<function-version>', 'the version id')
    .argument('<count>', 'how many instances are to run', wholeNumber({ min: 0, max: WANTED_MAX }));
  changing(addSpanFlags(command)).action(async (versionId: string, wanted: number) => {
    const flags = command.opts<Flags>();
    const question = `Run ${wanted} of ${printableLine(versionId)} for ${formatDuration(flags.for)}, whatever its load?`;
    const body = { ...spanBody(flags), wanted };
    end(await put(command, { versionId, path: pathOf(versionId, 'override'), body, question }));
  });
}

export function declareUnfreeze(command: Command, end: (code: ExitCode) => void): void {
  changing(addSpanFlags(command)).action(async () => {
    const flags = command.opts<Flags>();
    const question = `Let the whole fleet be lowered for ${formatDuration(flags.for)}, although it froze itself?`;
    end(await put(command, { path: '/v1/freeze/release', body: spanBody(flags), question }));
  });
}

export function declareResume(command: Command, end: (code: ExitCode) => void): void {
  command.argument('<function-version>', 'the version id');
  changing(command).action(async (versionId: string) => {
    const { yes: isYes = false, dryRun: isDryRun = false, output } = command.opts<Flags>();
    const client = adminClient(command);
    const ended = (await readControls(client)).filter((control) => control.versionId === versionId);
    const isMeant =
      ended.length === 0 ||
      isDryRun ||
      (await confirm(`End ${ended.map(kindText).join(' and ')} of ${printableLine(versionId)}?`, { isYes }));
    if (!isMeant) return end(unchanged());
    if (!isDryRun) for (const { kind } of ended) await client.delete(pathOf(versionId, kind));
    await printAs(output, { versionId, ended, dryRun: isDryRun }, () => {
      if (ended.length === 0) return `${printableLine(versionId)} was neither paused nor overridden`;
      return `${isDryRun ? 'would end' : 'ended'}: ${ended.map(controlText).join('; ')}`;
    });
    end(EXIT.ok);
  });
}

function changing(command: Command): Command {
  return addOutputFlag(addAdminFlags(addChangeFlags(command)));
}

async function put(
  command: Command,
  change: { versionId?: string; path: string; body: object; question: string },
): Promise<ExitCode> {
  const { versionId, path, body, question } = change;
  const { yes: isYes = false, dryRun: isDryRun = false, output } = command.opts<Flags>();
  const client = adminClient(command);
  if (!isDryRun && !(await confirm(question, { isYes }))) return unchanged();
  const control = await client.put(isDryRun ? `${path}?dryRun=true` : path, body, controlSchema);
  await printAs(output, control, () => `${isDryRun ? 'would stand' : 'stands'}: ${controlText(control)}`);
  if (versionId !== undefined) await warnIfUnknown(client, versionId);
  return EXIT.ok;
}

/** Versions may be paused before they are discovered; but a name typed in place of an id would have no effect, unnoticed. */
async function warnIfUnknown(client: AdminClient, versionId: string): Promise<void> {
  try {
    await client.get(`/v1/functions/${encodeURIComponent(versionId)}`, z.unknown());
  } catch (error) {
    // The change was made, whatever this read came to.
    if (!(error instanceof AdminError) || error.code !== 'version-unknown') return;
    process.stderr.write(
      `no active function version has the id ${printableLine(versionId)} now; starling functions lists them\n`,
    );
  }
}

function unchanged(): ExitCode {
  process.stderr.write('nothing was changed\n');
  return EXIT.checkFalse;
}

function pathOf(versionId: string, kind: FleetControl['kind']): string {
  return `/v1/functions/${encodeURIComponent(versionId)}/${kind}`;
}

function controlText(control: FleetControl): string {
  const { versionId, until, by, why } = control;
  const of = versionId === undefined ? '' : ` of ${printableLine(versionId)}`;
  return `${kindText(control)}${of} until ${until ?? '?'}, by ${printableLine(by)}: ${printableLine(why)}`;
}

function kindText({ kind, wanted }: FleetControl): string {
  const texts = {
    pause: 'the pause',
    override: `the override to ${wanted}`,
    'freeze-release': 'the release of the freeze',
  };
  return texts[kind];
}
