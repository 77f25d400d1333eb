import { useEffect, useState } from 'preact/hooks';
import { ControlDialog, EndDialog } from '../parts/control-dialog.tsx';
import { Icon, Mark } from '../parts/icons.tsx';
import { Note } from '../parts/notes.tsx';
import { TokenGate } from '../parts/token-gate.tsx';
import { useCell, useNow, useRoute } from '../state/hooks.ts';
import type { Connection, Session } from '../state/session.ts';
import { nextTheme, theme } from '../state/theme.ts';
import { PLAIN_QUERY } from '../view/fleet-rows.ts';
import { formatAgo, formatClock, formatCode, formatMember, formatSpan } from '../view/format.ts';
import { type Route, writeRoute } from '../view/route.ts';
import { FleetPage } from './fleet-page.tsx';
import { FunctionPage } from './function-page.tsx';
import { LoopsPage } from './loops-page.tsx';
import { MembersPage } from './members-page.tsx';

const STALE_AFTER_MS = 7_000;

const TABS: readonly { page: Route['page']; also?: Route['page']; name: string; key: string; route: Route }[] = [
  { page: 'fleet', also: 'function', name: 'Fleet', key: 'f', route: { page: 'fleet', query: PLAIN_QUERY } },
  { page: 'members', name: 'Members', key: 'm', route: { page: 'members' } },
  { page: 'loops', name: 'Loops', key: 'l', route: { page: 'loops' } },
];

export function Shell({ session }: { session: Session }) {
  const token = useCell(session.token.state);
  const route = useRoute();
  const [isHelpOpen, setIsHelpOpen] = useState(false);
  const place = route.page === 'function' ? route.versionId : route.page;
  useEffect(() => {
    const page = document.getElementById('page');
    if (page) page.scrollTop = 0;
    // What had the focus went with the page before.
    if (document.activeElement === document.body) page?.focus({ preventScroll: true });
    document.title = route.page === 'function' ? `${place} · Starling` : 'Starling';
  }, [place]);
  useShortcuts(() => setIsHelpOpen((isOpen) => !isOpen));
  if (token === 'missing' || token === 'wrong') return <TokenGate session={session} isWrong={token === 'wrong'} />;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('page')?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <a class="brand" href={writeRoute({ page: 'fleet', query: PLAIN_QUERY })} aria-label="Starling, the fleet">
          <Mark />
          <span>Starling</span>
        </a>
        <nav aria-label="Pages">
          {TABS.map((tab) => (
            <a
              key={tab.page}
              href={writeRoute(tab.route)}
              aria-current={route.page === tab.page || route.page === tab.also ? 'page' : undefined}
            >
              {tab.name}
            </a>
          ))}
        </nav>
        <Where session={session} />
        <LineBadge session={session} />
        <ThemeButton />
      </header>
      <Banners session={session} />
      <main id="page" tabIndex={-1}>
        <Page route={route} session={session} />
      </main>
      {isHelpOpen && <Shortcuts onClose={() => setIsHelpOpen(false)} />}
    </>
  );
}

function Page({ route, session }: { route: Route; session: Session }) {
  switch (route.page) {
    case 'fleet':
      return <FleetPage session={session} query={route.query} />;
    case 'function':
      return <FunctionPage key={route.versionId} session={session} versionId={route.versionId} />;
    case 'members':
      return <MembersPage session={session} />;
    case 'loops':
      return <LoopsPage session={session} />;
    case 'unknown':
      return (
        <Note title="There is no such page">
          <a href={writeRoute({ page: 'fleet', query: PLAIN_QUERY })}>Go to the fleet</a>
        </Note>
      );
  }
}

function Where({ session }: { session: Session }) {
  const status = useCell(session.status);
  if (!status) return <span class="where" />;
  return (
    <span class="where" title={`This page is served by member ${status.memberId}, version ${status.version}`}>
      <span class="where-name">{formatMember(status.memberId)}</span>
      {status.members > 1 && <span class="muted"> 1 of {status.members}</span>}
    </span>
  );
}

function LineBadge({ session }: { session: Session }) {
  const connection = useCell(session.connection);
  const lastEventMs = useCell(session.lastEventMs);
  const nowMs = useNow();
  const { tone, text } = badgeOf(connection, lastEventMs, nowMs);
  return (
    <span class={`badge ${tone}`} role="status" aria-live="off">
      <span class="dot" aria-hidden="true" />
      {text}
    </span>
  );
}

function badgeOf(connection: Connection, lastEventMs: number, nowMs: number): { tone: string; text: string } {
  if (connection.state === 'connecting') return { tone: 'wait', text: 'connecting' };
  if (connection.state === 'lost') return { tone: 'bad', text: 'disconnected' };
  const silentMs = nowMs - lastEventMs;
  if (silentMs > STALE_AFTER_MS) return { tone: 'wait', text: `stale · ${formatSpan(silentMs)}` };
  return { tone: 'good', text: 'live' };
}

function ThemeButton() {
  const chosen = useCell(theme);
  const icon = chosen === 'system' ? 'system' : chosen === 'dark' ? 'moon' : 'sun';
  const label = `Theme: ${chosen}. Change`;
  return (
    <button type="button" class="icon-button" onClick={nextTheme} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}

function Banners({ session }: { session: Session }) {
  const connection = useCell(session.connection);
  const status = useCell(session.status);
  const controls = useCell(session.controls);
  const nowMs = useNow();
  const [open, setOpen] = useState<'release' | 'end'>();
  const release = controls.find(({ kind }) => kind === 'freeze-release');
  const down = status?.dependencies.filter(({ state }) => state === 'down') ?? [];
  const hung = status?.loops.filter(({ isHung }) => isHung) ?? [];
  return (
    <div class="banners" aria-live="polite">
      {connection.state === 'lost' && (
        <p class="banner banner-bad">
          <strong>Disconnected for {formatSpan(nowMs - connection.sinceMs)}.</strong> {connection.why} What you see is
          from then; trying again{' '}
          {connection.retryAtMs > nowMs + 1000 ? `in ${formatSpan(connection.retryAtMs - nowMs)}` : 'now'}.
        </p>
      )}
      {status?.freeze.isFrozen && (
        <p class="banner banner-warn">
          <span>
            <strong>The share of this member is frozen</strong> since {formatAgo(status.freeze.since, nowMs)}
            {status.freeze.cause && <>: {formatCode(status.freeze.cause)}</>}. Nothing is lowered until it is calm
            again.
          </span>
          <button type="button" class="button button-small" onClick={() => setOpen('release')}>
            Release…
          </button>
        </p>
      )}
      {release && (
        <p class="banner banner-info">
          <span>
            <strong>Freeze released</strong> by {release.by} until {formatClock(release.until, { withDate: true })}:{' '}
            {release.why}
          </span>
          <button type="button" class="button button-small" onClick={() => setOpen('end')}>
            End the release…
          </button>
        </p>
      )}
      {(down.length > 0 || hung.length > 0) && (
        <p class="banner banner-bad">
          <span>
            {down.map(({ name, detail }) => (
              <span key={name}>
                <strong>{formatCode(name)} is down.</strong> {detail}{' '}
              </span>
            ))}
            {hung.map(({ name }) => (
              <strong key={name}>The loop {name} hangs. </strong>
            ))}
            Nothing is lowered for want of data.
          </span>
          <a class="button button-small" href={writeRoute({ page: 'loops' })}>
            Look
          </a>
        </p>
      )}
      {open === 'release' && (
        <ControlDialog session={session} wish={{ kind: 'freeze-release' }} onClose={() => setOpen(undefined)} />
      )}
      {open === 'end' && (
        <EndDialog session={session} path="v1/freeze/release" what="release" onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

const KEYS: readonly [string, string][] = [
  ['/', 'search the fleet'],
  ['↑ ↓ or j k', 'move in a list'],
  ['Enter', 'open'],
  ['Esc', 'back, or leave the search'],
  ['g then f, m, l', 'go to fleet, members, loops'],
  ['t', 'change the theme'],
  ['?', 'this list'],
];

function Shortcuts({ onClose }: { onClose: () => void }) {
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [onClose]);
  return (
    <aside class="help" aria-label="Keyboard">
      <h2>Keyboard</h2>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button button-small" onClick={onClose}>
        Close
      </button>
    </aside>
  );
}

function useShortcuts(onHelp: () => void): void {
  useEffect(() => {
    let isGoing = false;
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const isTyping = /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
      const tab = isGoing && TABS.find(({ key }) => key === event.key);
      isGoing = event.key === 'g';
      if (tab) location.hash = writeRoute(tab.route);
      else if (event.key === '?') onHelp();
      else if (event.key === 't') nextTheme();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
