import { useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import type { Session } from '../state/session.ts';
import { formatClock, formatSpan } from '../view/format.ts';
import { Dialog } from './dialog.tsx';
import { Fault } from './notes.tsx';

export type ControlRequest =
  | { readonly kind: 'pause'; readonly versionId: string }
  | {
      readonly kind: 'override';
      readonly versionId: string;
      readonly wanted: number;
      readonly min: number | undefined;
      readonly max: number | undefined;
    }
  | { readonly kind: 'freeze-release' };

const SPANS = [
  ['15 minutes', 900],
  ['1 hour', 3600],
  ['4 hours', 14_400],
  ['1 day', 86_400],
  ['1 week', 604_800],
] as const;
const NAME_KEY = 'starling.by';

const TITLES = {
  pause: 'Pause scaling',
  override: 'Override the wanted count',
  'freeze-release': 'Release the freeze',
};

const EXPLAINED = {
  pause: 'Nothing is raised or lowered for this version until the pause ends. It ends by itself.',
  override: 'This many instances are wanted, whatever the load, until the override ends. It ends by itself.',
  'freeze-release':
    'Decreases are let through again for the whole fleet, on every member, although too many versions fell or lost their signal at once. Make sure that the load is really gone.',
};

/** Pause, override or release: who, why and for how long are asked, what will happen is said, and only then it is done. */
export function ControlDialog(props: { session: Session; wish: ControlRequest; onClose: () => void }) {
  const { session, wish, onClose } = props;
  const [seconds, setSeconds] = useState<number>(wish.kind === 'freeze-release' ? 900 : 3600);
  const [by, setBy] = useState(() => localStorage.getItem(NAME_KEY) ?? '');
  const [why, setWhy] = useState('');
  const [wanted, setWanted] = useState(wish.kind === 'override' ? String(wish.wanted) : '');
  const [fault, setFault] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const count = Number(wanted);
  const until = formatClock(Date.now() + seconds * 1000, { withDate: seconds > 43_200 });

  async function send(event: Event) {
    event.preventDefault();
    if (wish.kind === 'override' && (wanted.trim() === '' || !Number.isInteger(count) || count < 0)) {
      setFault('Give a whole number of instances, 0 or more.');
      return;
    }
    setIsBusy(true);
    setFault(undefined);
    try {
      await session.client.put(pathOf(wish), {
        forSeconds: seconds,
        by,
        why,
        ...(wish.kind === 'override' && { wanted: count }),
      });
      localStorage.setItem(NAME_KEY, by);
      await session.readControls();
      onClose();
    } catch (error) {
      const fields = error instanceof ApiError ? error.fields.map(({ message }) => message).join('; ') : '';
      setFault(fields || (error as Error).message);
      setIsBusy(false);
    }
  }

  const isOutside =
    wish.kind === 'override' &&
    ((wish.max !== undefined && count > wish.max) || (wish.min !== undefined && count < wish.min));
  return (
    <Dialog title={TITLES[wish.kind]} onClose={onClose}>
      <form onSubmit={send}>
        <p class="dialog-lead">{EXPLAINED[wish.kind]}</p>
        {'versionId' in wish && <p class="dialog-subject mono">{wish.versionId}</p>}
        {wish.kind === 'override' && (
          <label>
            <span>Instances</span>
            <input
              type="number"
              inputMode="numeric"
              min={0}
              step={1}
              required
              value={wanted}
              onInput={({ currentTarget }) => setWanted(currentTarget.value)}
            />
            {isOutside && (
              <small class="hint-warn">
                Outside its bounds of {wish.min} to {wish.max}; the bounds win.
              </small>
            )}
          </label>
        )}
        <fieldset>
          <legend>For how long</legend>
          <div class="choices">
            {SPANS.map(([name, value]) => (
              <label key={value} class="choice">
                <input type="radio" name="span" checked={seconds === value} onChange={() => setSeconds(value)} />
                <span>{name}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <label>
          <span>Who are you</span>
          <input
            required
            maxLength={200}
            autocomplete="name"
            value={by}
            onInput={({ currentTarget }) => setBy(currentTarget.value)}
          />
        </label>
        <label>
          <span>Why</span>
          <input
            required
            maxLength={500}
            autocomplete="off"
            placeholder="For whoever finds it"
            value={why}
            onInput={({ currentTarget }) => setWhy(currentTarget.value)}
          />
        </label>
        <Fault text={fault} />
        <p class="dialog-effect">{effectOf(wish, { count, seconds, until })}</p>
        <Actions verb={isBusy ? 'Sending…' : VERBS[wish.kind]} isBusy={isBusy} onClose={onClose} />
      </form>
    </Dialog>
  );
}

const VERBS = { pause: 'Pause', override: 'Override', 'freeze-release': 'Release' };

function pathOf(wish: ControlRequest): string {
  return wish.kind === 'freeze-release'
    ? 'v1/freeze/release'
    : `v1/functions/${encodeURIComponent(wish.versionId)}/${wish.kind}`;
}

function effectOf(
  wish: ControlRequest,
  { count, seconds, until }: { count: number; seconds: number; until: string },
): string {
  const span = `until ${until} (${formatSpan(seconds * 1000)})`;
  if (wish.kind === 'pause') return `Paused ${span}.`;
  if (wish.kind === 'freeze-release') return `Released ${span}; after that the fleet may freeze again.`;
  return `${count === 1 ? '1 instance is' : `${Number.isFinite(count) ? count : '?'} instances are`} wanted ${span}.`;
}

function Actions({ verb, isBusy = false, onClose }: { verb: string; isBusy?: boolean; onClose: () => void }) {
  return (
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onClose}>
        Leave it
      </button>
      <button type="submit" class="button button-strong" disabled={isBusy}>
        {verb}
      </button>
    </div>
  );
}

/** The same care for taking something back. */
export function EndDialog(props: { session: Session; path: string; what: string; onClose: () => void }) {
  const { session, path, what, onClose } = props;
  const [fault, setFault] = useState<string>();
  async function end(event: Event) {
    event.preventDefault();
    try {
      await session.client.delete(path);
      await session.readControls();
      onClose();
    } catch (error) {
      setFault((error as Error).message);
    }
  }
  return (
    <Dialog title={`End the ${what} now?`} onClose={onClose}>
      <form onSubmit={end}>
        <p class="dialog-lead">What load asks for counts again with the next evaluation, within seconds.</p>
        <Fault text={fault} />
        <Actions verb="End it" onClose={onClose} />
      </form>
    </Dialog>
  );
}
