import { useMemo, useState } from 'preact/hooks';
import type { Member } from '../api/shapes.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Icon } from '../parts/icons.tsx';
import { Note } from '../parts/notes.tsx';
import { useCell, useMedia, useNow } from '../state/hooks.ts';
import type { Session } from '../state/session.ts';
import { hueOfMembers, memberLink, stepInGrid, type TimedMove } from '../view/bucket-map.ts';
import { formatClock, formatCount, formatMember, formatSpan } from '../view/format.ts';

/** A moved bucket is pointed out for this long. */
const FRESH_MS = 8_000;

export function MembersPage({ session }: { session: Session }) {
  const members = useCell(session.members);
  const owners = useCell(session.owners);
  const moves = useCell(session.moves);
  const status = useCell(session.status);
  const rows = useCell(session.rows);
  const [lit, setLit] = useState<string>();
  const hues = useMemo(() => hueOfMembers(members), [members]);
  const versions = useMemo(() => {
    const counts = { byBucket: new Map<number, number>(), byOwner: new Map<string, number>() };
    for (const { summary } of rows.values()) {
      counts.byBucket.set(summary.bucket, (counts.byBucket.get(summary.bucket) ?? 0) + 1);
      if (summary.owner) counts.byOwner.set(summary.owner, (counts.byOwner.get(summary.owner) ?? 0) + 1);
    }
    return counts;
  }, [rows]);
  if (owners.length === 0) return <Note tone="busy" title="Reading who holds what" />;
  const alive = members.filter(({ isAlive }) => isAlive).length;
  return (
    <div class="members-page">
      <h1>
        Members <span class="muted">{alive} alive</span>
      </h1>
      <DataTable
        columns={columnsOf({ hues, versions: versions.byOwner, buckets: owners.length, here: status?.memberId })}
        rows={members}
        keyOf={({ memberId }) => memberId}
        rowClass={({ isAlive }) => (isAlive ? '' : 'gone')}
        onPoint={(member) => setLit(member?.memberId)}
      />
      <h2>
        Buckets <span class="muted">{owners.length}, each evaluated by one member</span>
      </h2>
      <BucketMap owners={owners} moves={moves} hues={hues} lit={lit} versionsIn={versions.byBucket} />
      <Moves moves={moves} />
    </div>
  );
}

function columnsOf(known: {
  hues: ReadonlyMap<string, number>;
  versions: ReadonlyMap<string, number>;
  buckets: number;
  here: string | undefined;
}): Column<Member>[] {
  return [
    {
      name: 'Member',
      hint: ({ memberId }) => memberId,
      cell: ({ memberId }) => (
        <>
          <span class="swatch" style={{ background: hueOf(memberId, known.hues) }} aria-hidden="true" />
          <span class="mono">{formatMember(memberId)}</span>
          {memberId === known.here && <span class="chip chip-here">here</span>}
        </>
      ),
    },
    { name: 'State', cell: ({ isAlive, state }) => (isAlive ? state : state === 'left' ? 'left' : 'dead') },
    {
      name: 'Buckets',
      isNumber: true,
      cell: ({ bucketsOwned }) => <Share count={bucketsOwned} of={known.buckets} />,
    },
    { name: 'Versions', isNumber: true, cell: ({ memberId }) => formatCount(known.versions.get(memberId) ?? 0) },
    { name: 'Weight', isNumber: true, isWide: true, cell: ({ weight }) => weight },
    { name: 'Release', isWide: true, cell: ({ version }) => version },
    { name: 'Console', cell: (member) => <Way member={member} isHere={member.memberId === known.here} /> },
  ];
}

/** To the console of a member that says where it answers. */
function Way({ member, isHere }: { member: Member; isHere: boolean }) {
  const link = memberLink(member.address);
  if (isHere || !link) return <span class="muted">{isHere ? 'this one' : 'no address'}</span>;
  return (
    <a href={link} rel="noreferrer">
      open
      <Icon name="link" />
    </a>
  );
}

function Share({ count, of }: { count: number; of: number }) {
  return (
    <>
      {count} <span class="muted">{of === 0 ? '' : `${Math.round((100 * count) / of)} %`}</span>
    </>
  );
}

function BucketMap(props: {
  owners: readonly (string | null)[];
  moves: readonly TimedMove[];
  hues: ReadonlyMap<string, number>;
  lit: string | undefined;
  versionsIn: ReadonlyMap<number, number>;
}) {
  const { owners, hues, lit } = props;
  const nowMs = useNow();
  const isNarrow = useMedia('(max-width: 760px)');
  const columns = isNarrow ? 32 : 64;
  const [at, setAt] = useState<number>();
  const fresh = useMemo(() => {
    const buckets = new Map<number, string | null>();
    for (const move of props.moves) {
      if (nowMs - move.atMs > FRESH_MS) continue;
      for (const bucket of move.buckets) if (!buckets.has(bucket)) buckets.set(bucket, move.from);
    }
    return buckets;
  }, [props.moves, nowMs]);
  function press(event: KeyboardEvent) {
    const next = stepInGrid(event.key, at ?? 0, { columns, count: owners.length });
    if (next === undefined) return;
    event.preventDefault();
    setAt(at === undefined ? 0 : next);
  }
  const detail = at === undefined ? undefined : describeBucket(at, owners[at] ?? null, props.versionsIn.get(at) ?? 0);
  return (
    <>
      <div
        class={`panel buckets ${lit ? 'buckets-lit' : ''}`}
        role="group"
        aria-label="Map of buckets. Arrow keys move; the line below tells who holds each."
        tabIndex={0}
        onKeyDown={press}
        onMouseMove={(event) => {
          const { bucket } = (event.target as HTMLElement).dataset;
          if (bucket !== undefined) setAt(Number(bucket));
        }}
      >
        {owners.map((owner, bucket) => (
          <i
            key={bucket}
            data-bucket={bucket}
            style={{ background: owner === null ? 'none' : hueOf(owner, hues) }}
            class={[
              owner === null ? 'unowned' : '',
              fresh.has(bucket) ? 'fresh' : '',
              bucket === at ? 'at' : '',
              lit !== undefined && owner === lit ? 'lit' : '',
            ].join(' ')}
          />
        ))}
      </div>
      <p class="bucket-detail" aria-live="polite">
        {detail ?? 'Point at a bucket, or use the arrow keys.'}
      </p>
    </>
  );
}

function hueOf(memberId: string, hues: ReadonlyMap<string, number>): string {
  return `var(--hue-${hues.get(memberId) ?? 0})`;
}

function describeBucket(bucket: number, owner: string | null, versions: number): string {
  return `Bucket ${bucket} · ${owner === null ? 'nobody holds it' : formatMember(owner)} · ${versions === 1 ? '1 version' : `${formatCount(versions)} versions`}`;
}

function Moves({ moves }: { moves: readonly TimedMove[] }) {
  const nowMs = useNow();
  return (
    <section class="moves" aria-label="Moves">
      <h2>Moves</h2>
      {moves.length === 0 ? (
        <p class="muted">None since this page was opened. Buckets move when a member comes, leaves or dies.</p>
      ) : (
        <ol aria-live="polite">
          {moves.map(({ atMs, from, to, buckets }) => (
            <li key={`${atMs} ${from} ${to}`} class={nowMs - atMs < FRESH_MS ? 'fresh' : ''}>
              <time dateTime={new Date(atMs).toISOString()}>{formatClock(atMs)}</time>
              <strong>{buckets.length === 1 ? `bucket ${buckets[0]}` : `${buckets.length} buckets`}</strong>
              <span>
                {formatMember(from)} → {formatMember(to)}
              </span>
              <span class="muted">{formatSpan(nowMs - atMs)} ago</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
