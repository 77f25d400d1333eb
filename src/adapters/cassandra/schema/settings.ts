import { contendAlone, type Judgement } from '../compare-and-set.ts';
import { type Session, textKey, type Write } from '../session.ts';

const READ = 'SELECT value FROM settings WHERE name = ?';
const CREATE = 'INSERT INTO settings (name, value) VALUES (?, ?) IF NOT EXISTS';
const SWAP = 'UPDATE settings SET value = ? WHERE name = ? IF value = ?';
const DELETE = 'DELETE FROM settings WHERE name = ? IF value = ?';

/** Linearizable. */
export async function readSetting(session: Session, name: string): Promise<string | undefined> {
  const [row] = await session.rows('setting-read', READ, [name], { isSerial: true });
  return row?.['value'] as string | undefined;
}

/** The value that stands in the end: mine, or that of the first one to write. */
export async function writeSettingOnce(session: Session, name: string, value: string): Promise<string> {
  const write = { query: CREATE, params: [name, value] };
  const stands = await swap(session, name, write, (row) => (row === undefined ? 'again' : 'mine'));
  return stands.row ?? value;
}

/** Whether the setting went from `from` (undefined: not there) to `to` (undefined: removed). Values must be unique. */
export async function swapSetting(
  session: Session,
  name: string,
  change: { from: string | undefined; to: string | undefined },
): Promise<boolean> {
  const { from, to } = change;
  const stands = await swap(session, name, swapWrite(name, change), (row) => {
    if (row === to) return 'mine';
    return row === from ? 'again' : 'lost';
  });
  return stands.outcome === 'applied';
}

function swapWrite(name: string, { from, to }: { from: string | undefined; to: string | undefined }) {
  if (from === undefined) return { query: CREATE, params: [name, to] };
  if (to === undefined) return { query: DELETE, params: [name, from] };
  return { query: SWAP, params: [to, name, from] };
}

function swap(
  session: Session,
  name: string,
  write: Write,
  judge: (value: string | undefined) => Judgement,
): Promise<{ outcome: 'applied' | 'lost'; row: string | undefined }> {
  const { conditionalDeadlineMs: deadlineMs } = session.options;
  return contendAlone<string>(judge, {
    ...session.options,
    budgetMs: 2 * deadlineMs,
    send: () => session.conditional('setting-swap', [write], { routingKey: textKey(name), deadlineMs }),
    look: () => readSetting(session, name),
  });
}
